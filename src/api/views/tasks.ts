import { CanopyError } from "#/base/errors.ts";
import type { StepRecord } from "#/model/step.ts";
import { indexOfTask, jobOf, stepOfTask, type TaskError, type TaskRecord } from "#/model/task.ts";
import type { TaskDetail, TaskErrorView, TaskView } from "#/model/views.ts";
import type { LeaseView } from "#/scheduler/session.ts";
import type { DoorParts } from "../parts.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** What may be told of an error: not which other tasks it names. */
export function taskErrorOf({ reason, message, stack, exitCode }: TaskError): TaskErrorView {
  return { reason, message, stack, exitCode };
}

/** Why a task that has ended without a result did so: its last attempt's error. */
export function finalErrorOf(task: TaskRecord): TaskErrorView {
  const last = task.status.attempts?.at(-1);
  if (task.status.phase === "cancelled")
    return { reason: "cancelled", message: "It was cancelled before it had ended" };
  if (last) return taskErrorOf(last.error);
  return { reason: "machine-lost", message: "Its machine was lost each time that it ran" };
}

/** A task as lists show it: it runs when it has a lease, whatever its record says. */
export function taskViewOf(
  task: TaskRecord,
  step: StepRecord | undefined,
  lease: LeaseView | undefined,
  parts: Pick<DoorParts, "space" | "meter">,
): TaskView {
  const { name, status } = task;
  return {
    id: name,
    job: jobOf(name),
    step: indexOfTask(stepOfTask(name)),
    index: indexOfTask(name),
    title: step?.spec.title ?? "",
    phase: lease ? "running" : status.phase,
    machine: lease?.machine ?? status.machine,
    runningSince: maybeInstant(lease?.since),
    notBefore: maybeInstant(status.notBefore),
    attempts: (status.attempts ?? []).map(({ machine, at, error }) => ({
      machine,
      at: instantOf(at),
      error: taskErrorOf(error),
    })),
    lost: status.lost ?? 0,
    reused: status.reused === true,
    exitCode: status.exitCode,
    usage: usageOf(task, step, parts),
  };
}

/** What its last attempt used, and what that drew on its machine. */
function usageOf(
  { status: { usage, machine: name } }: TaskRecord,
  step: StepRecord | undefined,
  { space, meter }: Pick<DoorParts, "space" | "meter">,
): TaskView["usage"] {
  if (!usage) return undefined;
  const { joules: _, ...measured } = usage;
  const machine = name === undefined ? undefined : space.get("machine", name);
  const drawn = machine && step && meter(usage, step.spec.template.needs, machine);
  return {
    ...measured,
    startedAt: instantOf(usage.startedAt),
    ...(drawn && {
      energyJoules: drawn.energyJoules,
      measuredJoules: drawn.measuredJoules,
      grams: drawn.grams,
    }),
  };
}

/** The same with its content. */
export function taskDetailOf(
  task: TaskRecord,
  step: StepRecord | undefined,
  lease: LeaseView | undefined,
  parts: Pick<DoorParts, "space" | "meter">,
): TaskDetail {
  const { input, inputBlob } = task.spec;
  const { result, resultBlob, outputs } = task.status;
  return {
    ...taskViewOf(task, step, lease, parts),
    input,
    inputBlob,
    result,
    resultBlob,
    outputs: { ...outputs },
  };
}

/** The refusal of a task that is not there. */
export function noTask(name: string): CanopyError {
  return new CanopyError("not-found", `Cannot find the task '${name}'`, {
    hint: `See those there are: canopy tasks ${jobOf(name)}`,
  });
}
