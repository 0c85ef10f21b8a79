import { existsSync, readFileSync } from "node:fs";
import type { Fault } from "./faults.ts";

/** A pause or a cut shorter than this does not cost a machine its leases. */
const harmlessMs = 5000;
/** In what is left of its lease it may not have come back yet: what is done to it by then counts as one. */
const comesBackMs = 4000;

interface Effects {
  /** Lines that tasks have written: each is a task that began. */
  runs: number;
  /** Of those, of a task that had begun before. */
  again: number;
  violations: string[];
}

/**
 * Each task ran. One that ran twice did so because what ran it was killed, or was away for longer than its lease.
 * A control plane that was killed is no reason.
 * `orphansParent` is whom the host gives as a parent to processes whose own has ended.
 */
export function checkEffects(
  jobs: Iterable<{ id: string; steps: { effects?: string; offered: number }[] }>,
  faults: readonly Fault[],
  orphansParent: number,
): Effects {
  const kills = faults.filter(({ what }) => what === "kill");
  const absences = absencesOf(faults);
  const found: Effects = { runs: 0, again: 0, violations: [] };
  for (const { id, steps } of jobs) {
    for (const { effects, offered } of steps) {
      if (effects === undefined) continue;
      const text = existsSync(effects) ? readFileSync(effects, "utf8") : "";
      const lines = text.split("\n").filter(Boolean);
      found.runs += lines.length;
      const byTask = Map.groupBy(lines, (line) => Number(line.split(" ")[0]));
      for (let index = 0; index < offered; index++)
        if (!byTask.has(index)) found.violations.push(`task ${id}/0/${index} never ran`);
      for (const [index, own] of byTask) {
        for (let at = 1; at < own.length; at++) {
          found.again += 1;
          const [, agent, runner, beganMs] = own[at - 1]!.split(" ").map(Number);
          const againMs = Number(own[at]!.split(" ")[3]);
          // A program whose agent was killed before it could look has another parent.
          const isOrphan = agent === orphansParent;
          // What runs on for a moment after its agent was killed has begun later than that.
          const wasKilled = ({ kind, pid, wallMs }: Fault) =>
            (pid === agent || pid === runner || (isOrphan && kind === "agent")) &&
            wallMs <= againMs;
          const wasAway = ({ pid, fromMs, toMs }: Absence) =>
            pid === agent && Math.min(toMs, againMs) - fromMs > harmlessMs && toMs >= beganMs!;
          if (kills.some(wasKilled) || absences.some(wasAway)) continue;
          found.violations.push(
            `task ${id}/0/${index} ran again at ${againMs}, after it had begun at ${beganMs} in process ${runner} of agent ${agent}, which nobody had killed`,
          );
        }
      }
    }
  }
  return found;
}

/** A time in which a process was paused or cut off from all others, by the clock on the wall. */
interface Absence {
  pid: number;
  fromMs: number;
  toMs: number;
}

/** Those of one process that follow each other too closely for it to come back in between are one. */
function absencesOf(faults: readonly Fault[]): Absence[] {
  const found: Absence[] = [];
  const last = new Map<number, Absence>();
  const away = faults.filter(({ what, pid }) => what !== "kill" && pid !== 0);
  for (const { pid, wallMs, lastedMs } of away.toSorted((a, b) => a.wallMs - b.wallMs)) {
    const toMs = wallMs + lastedMs;
    const before = last.get(pid);
    if (before && wallMs <= before.toMs + comesBackMs) {
      before.toMs = Math.max(before.toMs, toMs);
      continue;
    }
    const absence = { pid, fromMs: wallMs, toMs };
    last.set(pid, absence);
    found.push(absence);
  }
  return found;
}
