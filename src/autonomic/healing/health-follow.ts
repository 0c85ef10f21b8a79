import type { Change } from "#/model/record.ts";
import { jobOf, stepOfTask, type FailureReason, type TaskRecord } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { MachineHealth } from "./machine-health.ts";

/** Failures that say nothing of how well the machine works. */
const notItsFault: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "machine-lost",
  "injected",
  "gang-failed",
  "cancelled",
  "shuffle-lost",
]);

/** Tells how tasks fared on machines, from what becomes durable. Gives what ends that. */
export function followHealth(
  space: Pick<Space, "onDurable" | "get">,
  health: MachineHealth,
): () => void {
  let lastStep = "";
  let lastKind = "";
  const kindOf = (task: string) => {
    const isSame = task.startsWith(lastStep) && task.lastIndexOf("/") === lastStep.length;
    if (isSame && lastStep !== "") return lastKind; // the next one is mostly of the same step
    lastStep = stepOfTask(task);
    return (lastKind = kindOfStep(space, lastStep));
  };
  const see = ({ name, status }: TaskRecord, hasEnded: boolean) => {
    const { attempts = [], phase, machine, usage, reused } = status;
    const isGood = hasEnded && phase === "succeeded" && machine !== undefined && !reused;
    if (attempts.length === 0 && !isGood) return;
    const kind = kindOf(name);
    for (const { error, machine: on, at } of attempts)
      if (!notItsFault.has(error.reason)) health.failed(kind, on, name, at);
    if (isGood) health.succeeded(kind, machine, usage?.wallMs ?? 0);
  };
  return space.onDurable(({ changes }) => {
    for (const { op, record } of changes as readonly Change[])
      if (record.kind === "task" && op !== "delete" && op !== "restore")
        see(record, op === "archive");
  });
}

/** Steps of one job and one title run the same kind of task. */
export function kindOfStep(space: Pick<Space, "get">, step: string): string {
  const title = space.get("step", step)?.spec.title;
  return title === undefined ? step : `${jobOf(step)} ${title}`;
}
