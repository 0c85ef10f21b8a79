import type { FailureReason, TaskError } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { Outcome } from "./driver.ts";

/** What an attempt used that never began. */
export function usedNothing(startedAt: number): TaskUsage {
  return { startedAt, wallMs: 0, cpuMs: 0, memoryBytes: 0, readBytes: 0, writtenBytes: 0 };
}

export function failed(
  usage: TaskUsage,
  reason: FailureReason,
  message: string,
  more: Partial<TaskError> = {},
): Outcome {
  return { usage, error: { reason, message, ...more } };
}
