import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { withoutInputs, type StepRecord } from "#/model/step.ts";
import { readyStatus, taskName, type TaskSpec } from "#/model/task.ts";
import type { Transaction } from "#/space/space.ts";

/** Makes the next tasks of a step, numbered on from what it has, in one change with its count. */
export function growStep(
  tx: Transaction,
  step: StepRecord,
  more: { tasks: readonly TaskSpec[]; close: boolean; cursor?: number },
): StepRecord {
  const { project, name, status } = step;
  const { tasks, close, cursor = status.cursor } = more;
  const offered = status.offered + tasks.length;
  if (offered > limits.stepTasksMax) {
    throw new CanopyError(
      "too-large",
      `Cannot add tasks to '${step.spec.name}' as a step must have at most ${limits.stepTasksMax}: it would have ${offered}`,
      { hint: "Give the rest to another step" },
    );
  }
  tasks.forEach((spec, index) =>
    tx.put({
      kind: "task",
      project,
      name: taskName(name, status.offered + index),
      spec,
      status: readyStatus,
    }),
  );
  const closed = status.closed || close;
  return tx.put({
    ...step,
    // Once all are tasks, the inputs would be written again with each of its counts.
    spec: closed ? withoutInputs(step.spec) : step.spec,
    status: { ...status, offered, closed, cursor, ...(closed && { total: offered }) },
  });
}
