import type { TaskErrorView } from "#/model/views.ts";

/** A task that failed for good, as the code that called it sees it. */
export class TaskFailed extends Error {
  /** Its full name, "j0f3k2m9x1ab2/3/7", to ask `canopy why` and `canopy logs` about it. */
  readonly task: string;
  /** Its number among the tasks of its call. */
  readonly index: number;
  /** "threw", "timed-out", "out-of-memory", … */
  readonly reason: string;
  readonly exitCode: number | undefined;
  /** Where the task's own code threw. */
  readonly taskStack: string | undefined;

  constructor(title: string, task: string, index: number, error: TaskErrorView) {
    super(`${title} (task ${task}) ${sentenceOf(error)}`);
    this.name = "TaskFailed";
    this.task = task;
    this.index = index;
    this.reason = error.reason;
    this.exitCode = error.exitCode;
    this.taskStack = error.stack;
    if (error.stack !== undefined)
      this.stack = `${this.name}: ${this.message}\n${framesOf(error.stack)}`;
  }
}

function sentenceOf({ reason, message }: TaskErrorView): string {
  return reason === "threw" ? `threw ${message}` : `failed (${reason}): ${message}`;
}

function framesOf(stack: string): string {
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  return first < 0 ? stack : lines.slice(first).join("\n");
}
