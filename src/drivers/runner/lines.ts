import { limits } from "#/base/limits.ts";
import type { FunctionRun, TaskError } from "#/model/task.ts";

/**
 * What an agent and a runner say to each other: lines of fields divided by tabs, the first one letter,
 * the last free of rules (so JSON stays the text it was: nothing is parsed or escaped on the way).
 * Tasks have numbers that grow; results may come for several at once.
 *
 * To the runner:
 *   d step info          describes a step (JSON of StepInfo) by a short number
 *   g place              the next task is in a gang (JSON of GangPlace)
 *   t number step attempt index input       a task
 *   o number step attempt index path        a task whose input is in a file
 *   r number step attempt index input       a reduce task; lines that begin with "[" follow, then "e"
 *   e                    all segments were sent: reduce
 *   x                    they cannot be had: forget that task
 *   v                    numbers are valid again: what was taken back has passed
 *   c number             it was cancelled
 *   q                    end
 *
 * From the runner:
 *   R                    the module is loaded
 *   B error              it could not be (JSON of TaskError)
 *   r number wallMs cpuMs result
 *   p number wallMs cpuMs path              the result is in that file
 *   f number wallMs cpuMs error             (JSON of TaskError)
 *   l number stream line                    printed
 *   s number partition chunk                a map task's part of the shuffle
 *   u bytes              memory that the runner holds
 *   x                    what was taken back is dropped, and what still comes will be until "v"
 *   z                    no longer to be trusted: replace me
 *
 * On the board the runner marks the number of the task that it begins, before it begins, and the agent
 * writes the last number that may begin ("taken back"; 0 for no such bound). Each writes, then reads:
 * so both agree which tasks have begun, however busy or dead the runner is.
 */
export const board = { begun: 0, bound: 1, slots: 2 } as const;

export interface StepInfo {
  step: string;
  job: string;
  function: string;
  role: FunctionRun["role"];
  /** For "map". */
  partitions: number;
  cloudUrl: string;
  jobKey?: string;
}

/** Splits a line into `count` fields; the last keeps its tabs. */
export function fieldsOf(line: string, count: number): string[] {
  const fields: string[] = [];
  let at = 0;
  for (let field = 1; field < count; field++) {
    const tab = line.indexOf("\t", at);
    if (tab < 0) break;
    fields.push(line.slice(at, tab));
    at = tab + 1;
  }
  fields.push(line.slice(at));
  return fields;
}

/** What a runner says of a task that ended: a line "r", "p" or "f". */
export interface EndLine {
  kind: "r" | "p" | "f";
  number: number;
  wallMs: number;
  cpuMs: number;
  text: string;
}

/** They come by the ten thousand a second: nothing is made of one but its fields. */
export function endLineOf(line: string): EndLine {
  const wallAt = line.indexOf("\t", 2) + 1;
  const cpuAt = line.indexOf("\t", wallAt) + 1;
  const textAt = line.indexOf("\t", cpuAt) + 1;
  const isWhole = wallAt > 0 && cpuAt > 0 && textAt > 0;
  return {
    kind: line[0] as EndLine["kind"],
    number: isWhole ? Number(line.slice(2, wallAt - 1)) : Number.NaN,
    wallMs: amountOf(line.slice(wallAt, cpuAt - 1)),
    cpuMs: amountOf(line.slice(cpuAt, textAt - 1)),
    text: line.slice(textAt),
  };
}

/** What a runner measured; 0 for what is no amount. User code shares its channel and may write anything. */
export function amountOf(text: string): number {
  const amount = Number(text);
  return amount > 0 && amount <= Number.MAX_SAFE_INTEGER ? amount : 0;
}

/** The error in a runner's line, in a form that every cloud takes whatever user code wrote there. */
export function taskErrorOf(text: string): TaskError {
  let told: Partial<TaskError> | null = null;
  try {
    told = JSON.parse(text) as Partial<TaskError> | null;
  } catch {
    // it is taken as words
  }
  if (typeof told?.message !== "string") return { reason: "threw", message: cut(text) };
  const reason = runnerReasons.find((known) => known === told.reason) ?? "threw";
  return {
    reason,
    message: cut(told.message),
    ...(typeof told.stack === "string" && { stack: cut(told.stack) }),
    ...(Number.isSafeInteger(told.exitCode) && { exitCode: told.exitCode }),
  };
}

/** Those that a runner itself tells. */
const runnerReasons = ["threw", "exited", "unserialisable", "not-started"] as const;

function cut(text: string): string {
  return text.slice(0, limits.errorTextBytesMax);
}

/** JSON text on one line: line breaks can only stand between tokens. */
export function oneLine(json: string): string {
  return json.includes("\n") ? JSON.stringify(JSON.parse(json)) : json;
}
