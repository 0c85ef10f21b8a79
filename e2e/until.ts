import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for anything that a test waits for on a busy machine. */
const waitMsMax = 120_000;
const lookMs = 20;

/** Looks until it is so. Throws, saying what it waited for, when that takes too long. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  withinMs = waitMsMax,
): Promise<void> {
  for (const endMs = performance.now() + withinMs; !(await isSo()); await sleep(lookMs))
    if (performance.now() > endMs) throw new Error(`Waited ${withinMs} ms until ${what}`);
}
