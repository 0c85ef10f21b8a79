import { machineTypeOf, sortsOf } from "#/autonomic/knowledge/sorts.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import type { StepRecord } from "#/model/step.ts";
import { Draws } from "./draws.ts";
import type { Fates } from "./attempts.ts";

/** Attempts that are taken to have gone well before any was seen. */
const goodBelief = 20;

/** Fates drawn by chance from what is known of others. */
export function likelyFates(known: KnownRunTimes, seed: number, fork: number): Fates {
  const draws = new Draws(known, seed, fork);
  const sorts = new Map<string, readonly string[]>();
  const sortsOfStep = (step: StepRecord) => {
    let found = sorts.get(step.name);
    if (!found) sorts.set(step.name, (found = sortsOf(step)));
    return found;
  };
  return {
    runMs: (step, { task, number, machine, ranMs = 0 }) =>
      draws.runMs(sortsOfStep(step), machineTypeOf(machine), `${task} ${number}`, ranMs),
    fails: (step, { task, number }) => {
      const { failed, retried, usage } = step.status;
      if (failed + retried === 0) return false;
      const share = (failed + retried) / (usage.attempts + goodBelief);
      return draws.share(`${task} ${number} fails`) < share;
    },
  };
}
