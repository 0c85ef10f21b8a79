import { AsyncLocalStorage } from "node:async_hooks";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { TaskError } from "#/model/task.ts";
import type { GangPlace } from "../gang-place.ts";
import { TaskOutput } from "../output.ts";
import { say } from "./child-link.ts";
import type { Reduction } from "./child-reduce.ts";
import type { StepInfo } from "./lines.ts";

/** A step as the runner knows it. */
export interface Step extends StepInfo {
  /** Looked up in the module once. */
  call?: (task: Task) => unknown;
  /** Its latest tasks, one after another, that took less than a turn. */
  quickRuns?: number;
}

/** One task in this runner. Also what code inside it is found by, however late it runs. */
export class Task {
  readonly number: number;
  readonly step: Step;
  readonly attempt: number;
  readonly index: string;
  /** JSON text, or a path to it. */
  readonly input: string;
  readonly isInputInFile: boolean;
  /** For a reduce task. */
  reduction: Reduction | undefined;
  gang: GangPlace | undefined;
  startedMs = 0;
  /** What will be said of it; it can still turn into a failure until it has been. */
  ending: string | undefined;
  isReported = false;
  #output: TaskOutput | undefined;
  #controller: AbortController | undefined;

  constructor(fields: string[], step: Step) {
    this.number = Number(fields[1]);
    this.step = step;
    this.attempt = Number(fields[3]);
    this.index = fields[4]!;
    this.input = fields[5]!;
    this.isInputInFile = fields[0] === "o";
  }

  get name(): string {
    return `${this.step.step}/${this.index}`;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(): void {
    this.#controller?.abort(new CanopyError("timeout", `The task ${this.name} was cancelled`));
  }

  /** True when nothing more that it prints is kept. */
  get isPrintedOut(): boolean {
    return this.#output?.isFull === true;
  }

  print(stream: "stdout" | "stderr", text: string): void {
    this.#output ??= new TaskOutput((where, line) => say(`l\t${this.number}\t${where}\t${line}`));
    this.#output.write(stream, text);
  }

  endOutput(): void {
    this.#output?.end();
  }

  note(text: string): void {
    say(`l\t${this.number}\tcanopy\t${text.replaceAll("\n", " ")}`);
  }
}

/** Which task the running code belongs to. */
export const tasks = new AsyncLocalStorage<Task>();

const ownFolder = import.meta.url.slice(0, import.meta.url.lastIndexOf("/") + 1);

/** What user code threw, for people: its own message, and its stack without ours. */
export function threw(thrown: unknown, prefix = ""): TaskError {
  if (!(thrown instanceof Error)) {
    return {
      reason: "threw",
      message: cut(`${prefix}threw ${described(thrown)}`, limits.messageBytesMax),
    };
  }
  const own = `${prefix}${thrown.message || thrown.name}`;
  const error: TaskError = { reason: "threw", message: cut(own, limits.messageBytesMax) };
  if (typeof thrown.stack === "string")
    error.stack = cut(withoutOurs(thrown.stack), limits.stackBytesMax);
  return error;
}

function withoutOurs(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !line.includes(ownFolder) && !/^\s+at .*\(?node:/.test(line))
    .join("\n");
}

function described(thrown: unknown): string {
  try {
    return typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

export class UnserialisableError extends Error {}
export class InputError extends Error {}

export function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`;
}
