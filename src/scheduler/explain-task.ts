import { CanopyError } from "#/base/errors.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Choice } from "./placement.ts";
import { jobOf, stepOfTask, type Preempted, type TaskRecord } from "#/model/task.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { formatCount, formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { machineReasons } from "./explain-machine.ts";
import { quotaReasons } from "./explain-quota.ts";
import { holdReason } from "./explain.ts";
import { blockedReason, stepReasons } from "./explain-step.ts";
import type { Grace } from "./grace.ts";
import type { Lease, StepState } from "./state.ts";

/** Why a task waits, why it runs where it does, or how it ended; with `not`, why not on that machine. */
export async function explainTask(
  board: Board,
  grace: Grace,
  name: string,
  not: string | undefined,
): Promise<Explanation[]> {
  const { space } = board;
  const [task] = await space.find("task", [name]);
  if (!task)
    throw new CanopyError("not-found", `Cannot explain task ${name} as there is none of that name`);
  const [record] = await space.find("step", [stepOfTask(name)]);
  const step = board.stepOf(name);
  const lease = board.leaseOf(name);
  if (not !== undefined) return notThere(board, not, { task, step, lease });
  if (lease?.twin) return [placed(board, lease), besides(board, lease, lease.twin)];
  if (lease) return [placed(board, lease)];
  if (task.status.phase === "ready" || task.status.phase === "waiting") {
    return waits(board, grace, task, record);
  }
  return [ended(task)];
}

function placed(board: Board, lease: Lease): Explanation {
  const { machine, step, sinceMs, attempt, isShort, choice } = lease;
  const forMs = board.clock.monotonicMs() - sinceMs;
  const { milliCpus, labels, driver } = step.class;
  const labelled = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  const has = [`the driver '${driver}'`, `${formatCpus(milliCpus)} for it`, ...labelled].join(", ");
  const ahead = isShort ? "; its kind is short, so several are handed out ahead" : "";
  return {
    machine: machine.name,
    sentence: `attempt ${attempt} is with ${machine.name} for ${briefDuration(forMs)}: ${whyThere(choice)}, and has ${has}${inputAt(lease)}${ahead}`,
  };
}

/** Of a second attempt: that it is one. */
function besides(
  { clock }: Board,
  first: Lease,
  { machine, attempt, sinceMs }: Lease,
): Explanation {
  const forMs = clock.monotonicMs() - sinceMs;
  return {
    machine: machine.name,
    sentence: `attempt ${attempt} is with ${machine.name} for ${briefDuration(forMs)}, beside the one on ${first.machine.name}: the first that succeeds counts, and the other is ended`,
  };
}

/** Where its input was, when that is known. */
function inputAt({ home, machine }: Lease): string {
  if (!home) return "";
  const size = briefSize(home.bytes);
  if (home.machine === machine.name) return `; its input of ${size} is here`;
  return `; its input of ${size} was on ${home.machine}, which took no task of it in time`;
}

/** Why that machine, of those that asked. */
function whyThere(choice: Choice | undefined): string {
  if (!choice) return "that machine had it before this cloud started";
  const { placement, place, of, freeShare, together } = choice;
  if (together)
    return `that machine is one of ${formatCount(together.machines, "machine")} on which all ${together.tasks} of its gang had places at the same moment`;
  if (of === 1) return "that machine asked for work when the task was next in line";
  const free = `${Math.round(freeShare * 100)} % of it free`;
  const by = {
    asked: "in order of who had asked for longest",
    spread: `in order of who is emptiest (${free}), each with its part`,
    pack: `in order of who is fullest (${free})`,
    cheap: "in order of whose CPUs are cheapest",
  }[placement];
  return `that machine was number ${place} of ${of} that asked for work when the task was next in line, ${by}`;
}

function waits(
  board: Board,
  grace: Grace,
  { name, status }: TaskRecord,
  record: StepRecord | undefined,
): Explanation[] {
  const held = board.space.get("job", jobOf(name))?.status.held;
  if (held) return [holdReason(held)];
  const found: Explanation[] = [];
  const restMs = (status.notBefore ?? 0) - board.clock.now();
  const last = status.attempts?.at(-1);
  if (status.phase === "waiting" && last && restMs > 0) {
    found.push({
      subject: name,
      machine: last.machine,
      sentence: `${formatCount(status.attempts!.length, "attempt")} failed, the last on ${last.machine}: ${last.error.message}; it is tried again in ${briefDuration(restMs)}`,
      advice: `canopy logs ${name}`,
    });
    return found;
  }
  if (status.preempted) found.push(madeRoom(name, status.preempted));
  if (record?.status.phase === "blocked") return [blockedReason(board.space, record)];
  const reasons = record ? stepReasons(board, grace, record) : [];
  found.push(...reasons);
  if (reasons.length === 0)
    found.push({ subject: name, sentence: `${name} is about to be handed out` });
  return found;
}

function madeRoom(subject: string, { times, machine, ranMs, by, project }: Preempted): Explanation {
  const often = times > 1 ? `, the last of ${times} times` : "";
  return {
    subject,
    machine,
    sentence: subject.startsWith(`${by}/`)
      ? `it was stopped on ${machine} after ${briefDuration(ranMs)}${often}, as it may not run there any more; it runs again, and no attempt is charged`
      : `it was stopped on ${machine} after ${briefDuration(ranMs)}${often}, as what it held was for step ${by} of project ${project}: by quota, or by priority; it runs again, and no attempt is charged`,
  };
}

function ended({ name, status }: TaskRecord): Explanation {
  const { phase, machine, attempts, reused, usage } = status;
  const subject = name;
  if (reused)
    return {
      subject,
      sentence:
        "it succeeded without running: its result came from an earlier run of the same content",
    };
  const where = machine === undefined ? "" : ` on ${machine}`;
  if (phase === "succeeded") {
    const took = usage ? `, in ${briefDuration(usage.wallMs)}` : "";
    const copy = status.copies?.at(-1);
    const beside = copy ? `; a second attempt was begun on ${copy.machine} meanwhile` : "";
    return {
      subject,
      ...(machine !== undefined && { machine }),
      sentence: `it succeeded${where}${took}${beside}`,
    };
  }
  const last = attempts?.at(-1);
  if (phase === "failed" && last) {
    return {
      subject,
      machine: last.machine,
      sentence: `it failed ${formatCount(attempts!.length, "time")}, the last on ${last.machine}: ${last.error.message}`,
      advice: `canopy retry ${name.slice(0, name.indexOf("/"))}`,
    };
  }
  return { subject, sentence: `it was cancelled${where}` };
}

/** Why the task does not run on one machine. */
function notThere(
  board: Board,
  name: string,
  {
    task,
    step,
    lease,
  }: { task: TaskRecord; step: StepState | undefined; lease: Lease | undefined },
): Explanation[] {
  const machine = board.machines.get(name);
  if (!machine)
    throw new CanopyError(
      "not-found",
      `Cannot explain machine ${name} as none of that name has joined`,
    );
  const at = lease?.machine.name ?? task.status.machine;
  if (at === name)
    return [{ machine: name, sentence: `${name} is where it ${lease ? "runs" : "ran"}` }];
  const reasons = step
    ? [...(lease ? [] : quotaReasons(board, step)), ...machineReasons(board, machine, step)]
    : [];
  if (reasons.length > 0) return reasons;
  const sentence =
    at === undefined
      ? `nothing keeps it from ${name}`
      : `${name} could run it too: ${at} ${lease?.choice && lease.choice.of > 1 ? "was served" : "asked for work"} first`;
  return [{ machine: name, sentence }];
}
