/**
 * A runner: a warm process that loads one module of a user and runs its functions, one task at a time.
 *
 * It is told tasks ahead and runs them in turns of about a millisecond. Between turns the event loop
 * goes round once, so that what a task left behind (a promise nobody caught) can still be laid at its
 * door before its result is told, and everything is then told in one write. A task that takes longer
 * than a turn ends it, and one whose kind is not known to be quick begins a new one, so results do not
 * wait for a slow neighbour. Before a task begins it is marked on
 * the board: if this process dies at that moment, its agent knows at what.
 */
import { writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { isTooLarge, type TaskError } from "#/model/task.ts";
import { encodeValue } from "#/model/value.ts";
import type { GangPlace } from "../gang-place.ts";
import { begin } from "./child-board.ts";
import { watchFaults } from "./child-faults.ts";
import { isThenable } from "./child-groups.ts";
import { flush, keepAlive, listen, say } from "./child-link.ts";
import { callOf, loadModule } from "./child-module.ts";
import { Reduction } from "./child-reduce.ts";
import { InputError, Task, tasks, threw, UnserialisableError, type Step } from "./child-task.ts";
import { fieldsOf, type StepInfo } from "./lines.ts";

const turnMs = 1;
/** A step is trusted to be quick after so many quick runs. */
const quickRunsMin = 8;
const memoryEveryMs = 250;

const steps = new Map<string, Step>();
let queue: Task[] = [];
let next = 0;
let current: Task | undefined;
let receiving: Task | undefined;
/** What the next task is to know of its gang. */
let gang: GangPlace | undefined;
/** Ended in this turn, and not yet told. */
let ended: Task[] = [];
let state: "loading" | "resting" | "looping" | "retired" = "loading";
let isSettling = false;
/** From the first task refused until the agent says that numbers are valid again. */
let isDropping = false;
let hasRefused = false;
let turnStartedMs = 0;
let memoryAtMs = 0;
/** CPU of this process when last read, and what of it the tasks since are taken to have used. */
let cpuReadMs = 0;
let cpuGuessedMs = 0;

function heard(lines: string[]): void {
  for (const line of lines) hear(line);
  if (state === "resting") void loop();
}

function hear(line: string): void {
  switch (line[0]) {
    case "g":
      gang = JSON.parse(fieldsOf(line, 2)[1]!) as GangPlace;
      return;
    case "t":
    case "o":
      if (isDropping) gang = undefined;
      else queue.push(taskOf(line));
      return;
    case "[":
      receiving?.reduction!.feed(line);
      return;
    case "r":
      if (isDropping) return;
      receiving = taskOf(line);
      receiving.reduction = new Reduction(`reduce-${receiving.number}`);
      return;
    case "e":
      if (receiving) queue.push(receiving);
      receiving = undefined;
      return;
    case "x":
      receiving?.reduction!.drop();
      receiving = undefined;
      return;
    case "d": {
      const [, number, info] = fieldsOf(line, 3);
      steps.set(number!, JSON.parse(info!) as StepInfo);
      return;
    }
    case "c":
      if (current?.number === Number(fieldsOf(line, 2)[1])) current.abort();
      return;
    case "v":
      isDropping = false;
      return;
    case "q":
      process.exit(0);
  }
}

function taskOf(line: string): Task {
  const fields = fieldsOf(line, 6);
  const task = new Task(fields, steps.get(fields[2]!)!);
  if (gang) task.gang = gang;
  gang = undefined;
  return task;
}

async function loop(): Promise<void> {
  state = "looping";
  turnStartedMs = performance.now();
  while (next < queue.length) {
    const task = queue[next]!;
    // It may take long, and until it ends nothing could be told of those before.
    if (ended.length > 0 && (task.step.quickRuns ?? 0) < quickRunsMin) break;
    next++;
    if (!begin(task.number)) {
      queue = [];
      next = 0;
      isDropping = true;
      hasRefused = true;
      settleSoon();
      break;
    }
    current = task;
    task.startedMs = performance.now();
    try {
      task.step.call ??= callable(task.step);
      const value = tasks.run(task, task.step.call, task);
      if (isThenable(value)) {
        settleSoon();
        succeed(task, await value);
      } else {
        succeed(task, value);
      }
    } catch (thrown) {
      fail(task, errorOf(thrown));
    }
    current = undefined;
    if (retired()) return;
    if (performance.now() - turnStartedMs > turnMs) break;
  }
  if (next === queue.length) {
    queue = [];
    next = 0;
  }
  state = "resting";
}

const retired = () => state === "retired";

/** Lets the event loop go round once, tells what has ended, and goes on with what waits. */
function settleSoon(): void {
  if (isSettling) return;
  isSettling = true;
  setImmediate(settle);
}

function settle(): void {
  isSettling = false;
  tell();
  // With a task under way only its own doings keep this process: if there are none it can never end.
  keepAlive(state !== "looping");
  if (next < queue.length && state === "resting") setImmediate(resume);
}

function resume(): void {
  if (next < queue.length && state === "resting") void loop();
}

function tell(): void {
  for (const task of ended) {
    task.isReported = true;
    say(task.ending!);
  }
  ended = [];
  if (hasRefused) say("x");
  hasRefused = false;
  const nowMs = performance.now();
  if (nowMs - memoryAtMs > memoryEveryMs) {
    memoryAtMs = nowMs;
    say(`u\t${process.memoryUsage.rss()}`);
  }
  if (retired()) say("z");
  flush();
}

function succeed(task: Task, value: unknown): void {
  if (task.ending !== undefined) return;
  let result: string;
  try {
    result = encodeValue(value);
  } catch (thrown) {
    const message = `The result cannot be sent: ${(thrown as Error).message}`;
    return fail(task, { ...threw(new Error(message)), reason: "unserialisable" });
  }
  if (!isTooLarge(result)) return end(task, "r", result);
  const path = `${process.cwd()}/result-${task.number}.json`;
  writeFileSync(path, result);
  end(task, "p", path);
}

/** Also turns an ending that was not told yet into a failure. */
function fail(task: Task, error: TaskError): void {
  if (!task.isReported) end(task, "f", JSON.stringify(error));
}

function end(task: Task, kind: "r" | "p" | "f", text: string): void {
  const wallMs = performance.now() - task.startedMs;
  task.step.quickRuns = wallMs < turnMs ? (task.step.quickRuns ?? 0) + 1 : 0;
  task.endOutput();
  if (task.ending === undefined) ended.push(task);
  task.ending = `${kind}\t${task.number}\t${wallMs.toFixed(3)}\t${cpuMsOf(wallMs)}\t${text}`;
  settleSoon();
}

/** Asking the kernel costs as much as a small task: those are taken to have computed all the while. */
function cpuMsOf(wallMs: number): string {
  if (wallMs < turnMs) {
    cpuGuessedMs += wallMs;
    return wallMs.toFixed(3);
  }
  const { user, system } = process.cpuUsage();
  const readMs = (user + system) / 1000;
  const cpuMs = Math.max(0, readMs - cpuReadMs - cpuGuessedMs);
  cpuReadMs = readMs;
  cpuGuessedMs = 0;
  return cpuMs.toFixed(3);
}

class NotStartedError extends Error {}

function callable(step: Step): (task: Task) => unknown {
  try {
    return callOf(step);
  } catch (thrown) {
    throw new NotStartedError((thrown as Error).message);
  }
}

function errorOf(thrown: unknown): TaskError {
  if (thrown instanceof InputError || thrown instanceof NotStartedError) {
    return { reason: "not-started", message: thrown.message };
  }
  if (thrown instanceof UnserialisableError) {
    return { ...threw(thrown), reason: "unserialisable" };
  }
  return threw(thrown);
}

/** The user's code left this process in a state that nobody vouches for. */
function retire(): void {
  if (state === "loading") return;
  state = "retired";
  settleSoon();
}

function broken(error: TaskError): void {
  say(`B\t${JSON.stringify(error)}`);
  flush();
}

enableCompileCache(process.argv[3]);
process.setSourceMapsEnabled(true);
watchFaults({
  isLoading: () => state === "loading",
  current: () => current,
  fail,
  retire,
  tell,
  broken,
});
listen(heard);
keepAlive(false);
loadModule(process.argv[2]!).then(
  () => {
    keepAlive(true);
    state = "resting";
    say("R");
    flush();
    resume();
  },
  (thrown: unknown) => {
    keepAlive(true);
    broken({ ...threw(thrown, "The module cannot be loaded: "), reason: "not-started" });
  },
);
