import { existsSync, readFileSync } from "node:fs";
import type { Fault } from "./faults.ts";

/** A pause or a cut shorter than this does not cost a machine its leases. */
const harmlessMs = 5000;

interface Effects {
  /** Lines that tasks have written: each is a task that began. */
  runs: number;
  /** Of those, of a task that had begun before. */
  again: number;
  violations: string[];
}

/**
 * A task that ran twice did so because what ran it was killed, or was away for longer than its lease.
 * A control plane that was killed is no reason.
 */
export function checkEffects(
  jobs: Iterable<{ id: string; steps: { effects?: string }[] }>,
  faults: readonly Fault[],
): Effects {
  const found: Effects = { runs: 0, again: 0, violations: [] };
  for (const { id, steps } of jobs) {
    for (const { effects } of steps) {
      if (effects === undefined || !existsSync(effects)) continue;
      const lines = readFileSync(effects, "utf8").trim().split("\n");
      found.runs += lines.length;
      for (const [index, own] of Map.groupBy(lines, (line) => line.split(" ")[0]!)) {
        for (let at = 1; at < own.length; at++) {
          found.again += 1;
          const [, agent, runner, beganMs] = own[at - 1]!.split(" ").map(Number);
          const againMs = Number(own[at]!.split(" ")[3]);
          // A program whose agent was killed before it could look has the first process as its parent.
          const isOrphan = agent === 1;
          // What runs on for a moment after its agent was killed has begun later than that.
          const isReason = ({ what, kind, pid, wallMs, lastedMs }: Fault) =>
            (pid === agent || pid === runner || (isOrphan && kind === "agent")) &&
            wallMs <= againMs &&
            (what === "kill" || (lastedMs > harmlessMs && wallMs + lastedMs >= beganMs!));
          if (faults.some(isReason)) continue;
          found.violations.push(
            `task ${id}/0/${index} ran again at ${againMs}, after it had begun at ${beganMs} in process ${runner} of agent ${agent}, which nobody had killed`,
          );
        }
      }
    }
  }
  return found;
}
