import type { TaskError } from "#/model/task.ts";
import { tasks, threw, type Task } from "./child-task.ts";

export interface FaultParts {
  isLoading(): boolean;
  /** The task that runs now. */
  current(): Task | undefined;
  /** Also for a task that ended and has not been told yet. */
  fail(task: Task, error: TaskError): void;
  retire(): void;
  /** Says now, in this very call, what has ended. */
  tell(): void;
  broken(error: TaskError): void;
}

type Cloud = {
  task: string;
  job: string;
  attempt: number;
  cloudUrl: string;
  jobKey: string | undefined;
};

/**
 * Everything user code can do to the process it runs in, laid at the door of the task that did it:
 * prints, promises nobody catches, errors thrown from timers, process.exit, and waiting for what will
 * never come. The task is known by its async context, so even what happens after it has ended does not
 * fall upon another one.
 */
export function watchFaults(parts: FaultParts): void {
  catchPrints(parts);
  giveContext();
  process.on("uncaughtException", (thrown) => stray(parts, threw(thrown), false));
  process.on("unhandledRejection", (thrown) =>
    stray(parts, threw(thrown, "a promise was rejected and nobody caught it: "), true),
  );
  process.on("exit", (code) => {
    const task = tasks.getStore();
    const message = `The code ended its process with code ${code}`;
    if (parts.isLoading())
      parts.broken({ reason: "not-started", message: `${message} while its module was loading` });
    if (task) parts.fail(task, { reason: "exited", message, exitCode: code });
    parts.tell();
  });
  process.on("beforeExit", () => {
    const task = parts.current();
    const message = "It waits for something that nothing is left to bring about";
    if (parts.isLoading())
      parts.broken({
        reason: "not-started",
        message: `The module never finishes loading: ${message}`,
      });
    if (!task) return;
    parts.fail(task, { reason: "threw", message: `The function never ends: ${message}` });
    parts.retire();
  });
}

/**
 * A promise nobody caught is the fault of its task alone when that has ended; when it still runs, its
 * function hangs in the air, and after an uncaught error anything may: then the runner is replaced.
 */
function stray(parts: FaultParts, error: TaskError, isPromise: boolean): void {
  if (parts.isLoading()) return parts.broken({ ...error, reason: "not-started" });
  const task = tasks.getStore();
  const isHarmless = isPromise && task?.ending !== undefined;
  if (task?.isReported) task.note(`after it had ended: ${error.message}`);
  else if (task) parts.fail(task, error);
  else parts.current()?.note(`by something before: ${error.message}`);
  if (!isHarmless) parts.retire();
}

function catchPrints(parts: FaultParts): void {
  for (const stream of ["stdout", "stderr"] as const) {
    const original = process[stream].write.bind(process[stream]);
    const write = (content: unknown, ...rest: unknown[]): boolean => {
      const task = tasks.getStore() ?? parts.current();
      if (!task) return (original as (...all: unknown[]) => boolean)(content, ...rest);
      const encoding = typeof rest[0] === "string" ? (rest[0] as BufferEncoding) : "utf8";
      if (!task.isPrintedOut) task.print(stream, textOf(content, encoding));
      const done = rest.find((part) => typeof part === "function") as (() => void) | undefined;
      if (done) callSoon(done);
      return true;
    };
    process[stream].write = write as typeof process.stdout.write;
  }
}

/** Once each: code that prints without end gives the same one every time. */
const callbacks = new Set<() => void>();

function callSoon(done: () => void): void {
  callbacks.add(done);
  if (callbacks.size > 1) return;
  process.nextTick(() => {
    const due = [...callbacks];
    callbacks.clear();
    for (const callback of due) callback();
  });
}

function textOf(content: unknown, encoding: BufferEncoding): string {
  if (content instanceof Uint8Array)
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString();
  return encoding === "utf8" || encoding === "utf-8"
    ? String(content)
    : Buffer.from(String(content), encoding).toString();
}

/** What the SDK asks, to know where its code runs. */
function giveContext(): void {
  const current = (): (Cloud & { signal: AbortSignal }) | undefined => {
    const task = tasks.getStore();
    return (
      task && {
        task: task.name,
        job: task.step.job,
        attempt: task.attempt,
        ...(task.gang && { gang: task.gang }),
        cloudUrl: task.step.cloudUrl,
        jobKey: task.step.jobKey,
        get signal() {
          return task.signal;
        },
      }
    );
  };
  Object.defineProperty(globalThis, Symbol.for("canopy.context"), { value: { current } });
}
