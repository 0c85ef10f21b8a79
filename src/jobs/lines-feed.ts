import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { isTooLarge, type TaskSpec } from "#/model/task.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { countLines, linesIn, type Line, type Unfolded } from "./sources.ts";

/**
 * Reads a file of lines a little ahead of the tasks that are made of it, so that making them waits for
 * no disk. What is read ahead is soft: where to go on is the step's own cursor, which changes together
 * with its tasks. A feed that is asked from another place simply reads there.
 */
export class LinesFeed {
  #blobs: Pick<Blobs, "get" | "put" | "stat">;
  #project: string;
  #blob: string;
  #sizeBytes: number | undefined;
  /** Tasks made ready, and where each one's next line begins. */
  #ahead: { task: TaskSpec; next: number }[] = [];
  #taken = 0;
  /** Where the first of them begins. */
  #offset = 0;
  /** Nothing that is a line stands from here on. */
  #endsAt = Infinity;
  #reading: Promise<void> | undefined;

  constructor(blobs: Pick<Blobs, "get" | "put" | "stat">, project: string, blob: string) {
    this.#blobs = blobs;
    this.#project = project;
    this.#blob = blob;
  }

  /** The next tasks after `cursor`, at most `max`; undefined when `read` has to be called first. */
  next(cursor: number, max: number): Unfolded | undefined {
    if (this.#sizeBytes === undefined) return undefined;
    if (cursor >= Math.min(this.#sizeBytes, this.#endsAt))
      return { tasks: [], close: true, cursor };
    this.#seek(cursor);
    if (this.#taken === this.#ahead.length || this.#offset !== cursor) return undefined;
    const part = this.#ahead.slice(this.#taken, this.#taken + max);
    const next = part.at(-1)!.next;
    return { tasks: part.map(({ task }) => task), close: next >= this.#sizeBytes, cursor: next };
  }

  /** Reads on from `cursor`. Throws "not-found" when there is no such blob, "too-large" for a line past the limit. */
  read(cursor: number): Promise<void> {
    this.#reading ??= this.#read(cursor).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** All lines, counted; undefined when the file is too large to read it twice. */
  async count(): Promise<number | undefined> {
    if ((await this.#size()) > limits.linesCountedBytesMax) return undefined;
    const found = await this.#blobs.get(this.#project, this.#blob);
    return found && countLines(found.content);
  }

  /** Passes over what has been taken since. */
  #seek(cursor: number): void {
    while (this.#taken < this.#ahead.length && this.#offset < cursor) {
      this.#offset = this.#ahead[this.#taken++]!.next;
    }
  }

  async #read(cursor: number): Promise<void> {
    const size = await this.#size();
    let lines: Line[] = [];
    let isLast = cursor >= size;
    for (let length = limits.linesAheadBytes; lines.length === 0 && !isLast; length *= 2) {
      if (length > 2 * limits.lineBytesMax) throw this.#lineTooLong(cursor);
      const part = await this.#part(cursor, length);
      isLast = cursor + part.length >= size;
      lines = linesIn(part, cursor, isLast);
    }
    if (lines.length === 0) this.#endsAt = cursor;
    const ahead: { task: TaskSpec; next: number }[] = [];
    for (const { text, next } of lines) {
      const input = JSON.stringify(text);
      ahead.push({ task: isTooLarge(input) ? await this.#store(input) : { input }, next });
    }
    this.#ahead = ahead;
    this.#taken = 0;
    this.#offset = cursor;
  }

  async #size(): Promise<number> {
    if (this.#sizeBytes !== undefined) return this.#sizeBytes;
    const found = await this.#blobs.stat(this.#project, this.#blob);
    if (!found) throw this.#notThere();
    return (this.#sizeBytes = found.sizeBytes);
  }

  async #part(offset: number, length: number): Promise<Uint8Array> {
    const found = await this.#blobs.get(this.#project, this.#blob, { offset, length });
    if (!found) throw this.#notThere();
    const pieces: Uint8Array[] = [];
    for await (const piece of found.content) pieces.push(piece);
    if (pieces.length === 0) throw this.#notThere();
    return Buffer.concat(pieces);
  }

  async #store(input: string): Promise<TaskSpec> {
    const { key } = await this.#blobs.put(this.#project, Buffer.from(input));
    return { input: "null", inputBlob: key };
  }

  #notThere(): CanopyError {
    return new CanopyError(
      "not-found",
      `Cannot read lines as their blob must be there: ${this.#blob} is not`,
    );
  }

  #lineTooLong(cursor: number): CanopyError {
    return new CanopyError(
      "too-large",
      `Cannot make a task of the line at byte ${cursor} as a line must be at most ${limits.lineBytesMax} bytes`,
    );
  }
}
