import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Site } from "../site.ts";
import type { Joining } from "./joining.ts";

/**
 * Releases a machine whose agent stands still, so that it has to be killed, while it runs a task that does not
 * listen either. Nothing of the two may be left.
 */
export async function releasesStubborn(
  site: Site,
  cloud: Joining,
  order: string,
  offer: string,
): Promise<void> {
  await site.acquire(await cloud.order(order, offer));
  await cloud.connected(order);
  const seconds = String(100_000 + process.pid);
  await cloud.run(order, ["sh", "-c", `trap "" TERM HUP; sleep ${seconds} & sleep ${seconds}`]);
  while (sleeping(seconds).length < 2) await sleep(20);
  const { machines } = await site.held();
  const agent = machines.find((machine) => machine.order === order)!;
  process.kill(Number(agent.handle), "SIGSTOP");
  await site.release(order);
  assert.deepEqual(sleeping(seconds), []);
  assert.ok(!(await site.held()).machines.some((machine) => machine.order === order));
}

/** Processes of that sleep. */
function sleeping(seconds: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\0${seconds}\0`;
    } catch {
      return false; // it has ended meanwhile
    }
  });
}
