import { combinationAt, gridSize } from "#/model/grid.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskSpec } from "#/model/task.ts";

/** The next tasks of a source, and what the step's record has to keep with them. */
export interface Unfolded {
  tasks: TaskSpec[];
  /** True when these are the last. */
  close: boolean;
  cursor?: number;
}

/** The next tasks, at most `max`, of a source that is in the record itself; undefined for one that is not. */
export function unfold({ spec, status }: StepRecord, max: number): Unfolded | undefined {
  const { source } = spec;
  const from = status.offered;
  if (source.type === "inputs") {
    const inputs = source.inputs.slice(from, from + max);
    return { tasks: inputs.map((input) => ({ input })), close: from + max >= source.inputs.length };
  }
  if (source.type !== "grid") return undefined;
  const size = gridSize(source.parameters);
  const count = Math.max(0, Math.min(max, size - from));
  const tasks = Array.from({ length: count }, (_, index) => ({
    input: JSON.stringify(combinationAt(source.parameters, from + index)),
  }));
  return { tasks, close: from + count >= size };
}

/** A line of a file, and where in the file the next one begins. */
export interface Line {
  text: string;
  next: number;
}

const newline = 10;
const carriageReturn = 13;

/**
 * The whole lines in a part of a file that begins at `offset`, without their ends ("\n" or "\r\n").
 * What stands behind the last end is a line only when this part `isLast`, and only when it is not empty.
 */
export function linesIn(part: Uint8Array, offset: number, isLast: boolean): Line[] {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  const lines: Line[] = [];
  for (let start = offset === 0 && hasByteOrderMark(bytes) ? 3 : 0; start < bytes.length;) {
    const found = bytes.indexOf(newline, start);
    if (found < 0 && !isLast) break;
    let end = found < 0 ? bytes.length : found;
    const next = found < 0 ? bytes.length : found + 1;
    if (end > start && bytes[end - 1] === carriageReturn) end--;
    lines.push({ text: bytes.toString("utf8", start, end), next: offset + next });
    start = next;
  }
  return lines;
}

function hasByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Counts lines as `linesIn` gives them. */
export async function countLines(content: AsyncIterable<Uint8Array>): Promise<number> {
  let lines = 0;
  let last = newline;
  let begin = true;
  for await (const piece of content) {
    if (piece.length === 0) continue;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
    last = begin && bytes.length === 3 && hasByteOrderMark(bytes) ? newline : bytes.at(-1)!;
    begin = false;
  }
  return last === newline ? lines : lines + 1;
}
