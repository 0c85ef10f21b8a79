import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { LogLine } from "#/model/wire.ts";
import { LogBuffer } from "./buffer.ts";
import { decodeLine, isOfTask } from "./line.ts";
import type { LogPage, Logs } from "./logs.ts";

const readBytes = 1 << 20;
const newline = 10;

/** Logs as one file per job. All logs together keep a bound, too: the oldest go first. */
export class FileLogs implements Logs {
  #files: Files;
  #folder: string;
  #buffer: LogBuffer;
  #totalBytes = 0;

  private constructor({ files, folder, clock, report }: FileLogsParts) {
    this.#files = files;
    this.#folder = folder;
    this.#buffer = new LogBuffer({
      clock,
      report,
      sizeOf: async (job) => (await files.stat(this.#path(job)))?.sizeBytes ?? 0,
      write: (job, content) => this.#write(job, content),
      onFlushed: () => this.#removeOldest(),
    });
  }

  static async open(parts: FileLogsParts): Promise<FileLogs> {
    const logs = new FileLogs(parts);
    for (const { sizeBytes } of await logs.#kept()) logs.#totalBytes += sizeBytes;
    return logs;
  }

  append(job: string, lines: readonly LogLine[]): void {
    this.#buffer.append(job, lines);
  }

  async read(
    job: string,
    options: { task?: string; after?: number; max?: number } = {},
  ): Promise<LogPage> {
    const { task, after = 0, max = limits.logPageLines } = options;
    const lines: LogLine[] = [];
    let next = after;
    while (lines.length < max) {
      const chunk = await this.#files.read(this.#path(job), { offset: next, length: readBytes });
      const end = chunk ? chunk.lastIndexOf(newline) + 1 : 0;
      if (end === 0) break;
      next += takeLines(chunk!.subarray(0, end), task, max, lines);
    }
    return { lines, next };
  }

  onMore(job: string, listener: () => void): () => void {
    return this.#buffer.onMore(job, listener);
  }

  flushed(): Promise<void> {
    return this.#buffer.flushed();
  }

  async remove(job: string): Promise<void> {
    this.#buffer.drop(job);
    await this.flushed();
    const size = (await this.#files.stat(this.#path(job)))?.sizeBytes ?? 0;
    await this.#files.remove(this.#path(job));
    this.#totalBytes -= size;
  }

  async close(): Promise<void> {
    await this.flushed();
  }

  async #write(job: string, content: string): Promise<void> {
    const bytes = Buffer.from(content);
    const file = await this.#files.append(this.#path(job));
    await file.write(bytes).finally(() => file.close());
    this.#totalBytes += bytes.length;
  }

  /** Ids of jobs sort by the time they were made. */
  async #removeOldest(): Promise<void> {
    if (this.#totalBytes <= limits.logsBytesMax) return;
    for (const { name, sizeBytes } of await this.#kept()) {
      if (this.#totalBytes <= limits.logsBytesMax * 0.9) return;
      await this.#files.remove(join(this.#folder, name));
      this.#totalBytes -= sizeBytes;
    }
  }

  async #kept(): Promise<{ name: string; sizeBytes: number }[]> {
    const names = (await this.#files.list(this.#folder)).sort();
    const kept: { name: string; sizeBytes: number }[] = [];
    for (const name of names) {
      kept.push({
        name,
        sizeBytes: (await this.#files.stat(join(this.#folder, name)))?.sizeBytes ?? 0,
      });
    }
    return kept;
  }

  #path(job: string): string {
    return join(this.#folder, job);
  }
}

interface FileLogsParts {
  files: Files;
  folder: string;
  clock: Clock;
  report: Log;
}

/** Adds lines of `bytes` to `lines` until there are `max`; gives the bytes that were looked at. */
function takeLines(
  bytes: Uint8Array,
  task: string | undefined,
  max: number,
  lines: LogLine[],
): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < buffer.length && lines.length < max) {
    const end = buffer.indexOf(newline, at);
    const text = buffer.toString("utf8", at, end);
    if (task === undefined || isOfTask(text, task)) lines.push(decodeLine(text));
    at = end + 1;
  }
  return at;
}
