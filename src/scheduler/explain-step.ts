import { briefDuration } from "#/model/units.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";
import { formatCount } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { gangReasons } from "./explain-gang.ts";
import { machineReasons } from "./explain-machine.ts";
import { quotaReasons } from "./explain-quota.ts";
import { isStanding } from "./gang.ts";
import type { Grace } from "./grace.ts";
import type { StepState } from "./state.ts";

/** Why a step that has not begun does not begin. */
export function blockedReason(space: Space, { name, spec }: StepRecord): Explanation {
  const open = spec.after.flatMap((other) => {
    const before = space.get("step", other);
    if (!before || before.status.phase === "succeeded") return [];
    const { succeeded, offered, closed, total } = before.status;
    const all = closed ? offered : total;
    return [`'${before.spec.name}' (${succeeded}${all === undefined ? "" : ` of ${all}`} done)`];
  });
  const shown = open.slice(0, 3).join(", ");
  const more = open.length > 3 ? ` and ${open.length - 3} more` : "";
  return {
    subject: name,
    sentence:
      open.length > 0
        ? `step '${spec.name}' begins when ${shown}${more} ${open.length === 1 ? "has" : "have"} succeeded`
        : `step '${spec.name}' is about to begin`,
  };
}

/** Why tasks of a step that has begun are not all under way. Empty when none waits. */
export function stepReasons(board: Board, grace: Grace, record: StepRecord): Explanation[] {
  const { name, spec, status } = record;
  const subject = name;
  const step = board.steps.get(name);
  const found: Explanation[] = [];
  if (step?.earlier) found.push(graceReason(grace, step));
  if (step && step.resting > 0) {
    found.push({
      subject,
      sentence: `${formatCount(step.resting, "task")} of step '${spec.name}' ${step.resting === 1 ? "rests" : "rest"} after a failed attempt and will be tried again`,
      advice: `canopy logs ${step.job}`,
    });
  }
  const slowed = status.slowed && step?.slowed && step.waiting > 0 ? status.slowed : undefined;
  if (slowed)
    found.push({
      subject,
      sentence: `step '${spec.name}' is slowed, as ${slowed.reason}: a task of it is handed out every ${briefDuration(slowed.everyMs)}`,
      flip: "tasks of it that end well",
      advice: `canopy logs ${step!.job}, or canopy cancel ${step!.job}`,
    });
  if (step?.segments?.isComplete === false && step.waiting > 0) {
    found.push({
      subject,
      sentence: `step '${spec.name}' waits until all output of the map tasks is there: some of it was lost and is made again`,
    });
  } else if (step && step.available > 0 && !(slowed && !step.isInLine)) {
    found.push(...lineReasons(board, step));
  } else if (step?.gang && step.waiting > 0 && !step.isInLine) {
    found.push(...gangReasons(board, step));
  } else if (step?.prepared && (step.prepared.underWay > 0 || step.waiting > 0)) {
    found.push({
      subject,
      sentence: `files and earlier results for step '${spec.name}' are being looked up`,
    });
  }
  const isIdle = found.length === 0 && (step?.leases.size ?? 0) === 0;
  if (isIdle && !status.closed && spec.source.type === "list") {
    found.push({
      subject,
      sentence: `step '${spec.name}' waits for more tasks: who made it has not closed it`,
    });
  }
  return found;
}

function graceReason(grace: Grace, { name, earlier }: StepState): Explanation {
  const missing = [...grace.missing];
  const who =
    missing.slice(0, 3).join(", ") + (missing.length > 3 ? ` and ${missing.length - 3} more` : "");
  return {
    subject: name,
    sentence: `this cloud has just started: ${formatCount(earlier!.length, "task")} from before may still run on ${who || "a machine"}, so ${earlier!.length === 1 ? "it waits" : "they wait"} until that is heard or the leases of then are over`,
  };
}

/** Tasks are ready and not handed out: who comes first, and what each machine lacks. */
function lineReasons(board: Board, step: StepState): Explanation[] {
  const { machines } = board;
  if (machines.size === 0) {
    return [{ subject: step.name, sentence: "no machine has joined", advice: "canopy join" }];
  }
  const quota = quotaReasons(board, step);
  if (step.gang && !isStanding(board.space, step))
    return [...gangReasons(board, step), ...foremost(board, step), ...quota];
  const reasons = [...machines.values()].flatMap((machine) => machineReasons(board, machine, step));
  return [...foremost(board, step), ...quota, ...reasons];
}

/** Whom the machines serve before this step. */
function foremost(board: Board, step: StepState): Explanation[] {
  const found: Explanation[] = [];
  let higher = 0;
  let priorityMax = step.priority;
  for (const other of board.steps.values()) {
    if (!other.isInLine || other.share !== step.share || other.priority <= step.priority) continue;
    higher += other.available;
    priorityMax = Math.max(priorityMax, other.priority);
  }
  if (higher > 0) {
    found.push({
      subject: step.name,
      sentence: `${formatCount(higher, "task")} of this project go first: their priority is up to ${priorityMax}, and this job's is ${step.priority}`,
      flip: `a priority of ${priorityMax + 1}, or those ended`,
      advice: "submit with a higher --priority",
    });
  }
  const ranked = board.queue.shares(board.clock.monotonicMs());
  const at = ranked.findIndex(({ share }) => share === step.share);
  if (at > 0) {
    const names = ranked.slice(0, Math.min(at, 3)).map(({ share }) => share.project);
    const aheadMs = (ranked[at]!.rank - ranked[0]!.rank) * step.share.weight;
    found.push({
      subject: step.name,
      sentence: `project ${names.join(", ")} ${at === 1 ? "is" : "are"} served first: this project has used ${briefDuration(Math.max(1, aheadMs))} of CPU more than its share`,
      flip: `${briefDuration(Math.max(1, aheadMs))} of CPU less used, or a greater weight: canopy project set ${step.share.project} --weight NUMBER`,
    });
  }
  return found;
}
