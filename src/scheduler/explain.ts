import { hasStepEnded } from "#/model/step.ts";
import type { JobHold } from "#/model/job.ts";
import { formatCount } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { blockedReason, stepReasons } from "./explain-step.ts";
import type { Grace } from "./grace.ts";

/** Steps of one job that are explained one by one; the others are counted. */
const stepsMax = 5;

/** Why the tasks of a job that wait do so, of one step when that is named. Equal reasons of several steps are said once. */
export function explainJob(board: Board, grace: Grace, job: string, only?: string): Explanation[] {
  const { space } = board;
  const record = space.get("job", job);
  if (!record) return [];
  const { phase, reason, open, held } = record.status;
  if (phase !== "running") {
    return [
      {
        sentence: `the job has ${phase === "cancelled" ? "been cancelled" : phase}${reason ? `: ${reason}` : ""}`,
      },
    ];
  }
  const found: Explanation[] = held ? [holdReason(held)] : [];
  const machines = new Map<string, number>();
  let steps = 0;
  let blocked = 0;
  let more = 0;
  for (const step of space.list("step", job)) {
    if (hasStepEnded(step) || (only !== undefined && step.name !== only)) continue;
    steps++;
    for (const { machine } of board.steps.get(step.name)?.leases.values() ?? []) {
      machines.set(machine.name, (machines.get(machine.name) ?? 0) + 1);
    }
    if (held) continue; // nothing else stands in its way before it is let go
    if (step.status.phase === "blocked") {
      if (++blocked <= stepsMax) found.push(blockedReason(space, step));
      continue;
    }
    const reasons = stepReasons(board, grace, step).filter((one) => !isKnown(found, one));
    if (reasons.length > 0 && ++more > stepsMax) continue;
    found.push(...reasons);
  }
  if (blocked > stepsMax) {
    found.push({
      sentence: `${formatCount(blocked - stepsMax, "more step")} wait for steps before them`,
    });
  }
  if (more > stepsMax) {
    found.push({ sentence: `tasks of ${formatCount(more - stepsMax, "more step")} wait as well` });
  }
  for (const [machine, tasks] of machines) {
    found.unshift({ machine, sentence: `${formatCount(tasks, "task")} under way on ${machine}` });
  }
  if (steps === 0 && open) {
    found.push({
      sentence: "the job is open and waits for more steps",
      advice: `canopy cancel ${job}, or let who submitted it close it`,
    });
  }
  return found;
}

/** Why nothing of a held job begins. */
export function holdReason({ until, why, flip }: JobHold): Explanation {
  const at = new Date(until).toISOString().slice(0, 16);
  return { sentence: `it waits until about ${at}Z: ${why.join("; ")}`, flip };
}

/** A machine that lacks room lacks it for every step with the same needs. */
function isKnown(found: readonly Explanation[], one: Explanation): boolean {
  return found.some(
    ({ machine, sentence }) => machine === one.machine && sentence === one.sentence,
  );
}
