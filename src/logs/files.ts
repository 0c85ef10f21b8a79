import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { LogLine } from "#/model/wire.ts";
import { decodeLine, encodeLine, isOfTask } from "./line.ts";
import type { LogPage, Logs } from "./logs.ts";

/** Lines of one job that wait to be written. */
interface Pending {
  lines: string[];
  dropped: number;
}

const readBytes = 1 << 20;
const newline = 10;

/**
 * Logs as one file per job. Lines are gathered in memory and written a few times a second, each job's
 * in one write, so that neither the link they come by nor the loop waits for a disk. Three bounds hold
 * whatever tasks print: bytes in memory, bytes of one job, bytes of all jobs (the oldest go first).
 */
export class FileLogs implements Logs {
  #files: Files;
  #folder: string;
  #clock: Clock;
  #report: Log;
  #pending = new Map<string, Pending>();
  #pendingBytes = 0;
  #totalBytes = 0;
  #flushing: Promise<void> | undefined;
  #listeners = new Map<string, Set<() => void>>();
  #failed = false;

  private constructor(parts: FileLogsParts) {
    this.#files = parts.files;
    this.#folder = parts.folder;
    this.#clock = parts.clock;
    this.#report = parts.report;
  }

  static async open(parts: FileLogsParts): Promise<FileLogs> {
    const logs = new FileLogs(parts);
    for (const { sizeBytes } of await logs.#kept()) logs.#totalBytes += sizeBytes;
    return logs;
  }

  append(job: string, lines: readonly LogLine[]): void {
    let pending = this.#pending.get(job);
    if (!pending) this.#pending.set(job, (pending = { lines: [], dropped: 0 }));
    for (const line of lines) {
      if (this.#pendingBytes > limits.logBufferBytesMax) {
        pending.dropped += 1;
        continue;
      }
      const encoded = encodeLine(line);
      pending.lines.push(encoded);
      this.#pendingBytes += encoded.length;
    }
    this.#flushing ??= this.#flushLater();
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
    let listeners = this.#listeners.get(job);
    if (!listeners) this.#listeners.set(job, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(job) === listeners)
        this.#listeners.delete(job);
    };
  }

  async flushed(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  async remove(job: string): Promise<void> {
    this.#drop(job);
    await this.flushed();
    const size = (await this.#files.stat(this.#path(job)))?.sizeBytes ?? 0;
    await this.#files.remove(this.#path(job));
    this.#totalBytes -= size;
  }

  async close(): Promise<void> {
    await this.flushed();
  }

  #flushLater(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(limits.logFlushMs, () => {
        void this.#flush().then(() => {
          this.#flushing = this.#pending.size > 0 ? this.#flushLater() : undefined;
          resolve();
        });
      });
    });
  }

  async #flush(): Promise<void> {
    for (const [job, pending] of this.#pending) {
      this.#pending.delete(job);
      this.#pendingBytes -= bytesOf(pending.lines);
      try {
        await this.#write(job, pending);
        this.#failed = false;
      } catch (thrown) {
        if (!this.#failed)
          this.#report.warn("logs of tasks cannot be written; they are dropped until they can", {
            error: messageOf(thrown),
          });
        this.#failed = true;
      }
      for (const listener of this.#listeners.get(job) ?? []) listener();
    }
    if (this.#totalBytes > limits.logsBytesMax) await this.#removeOldest();
  }

  async #write(job: string, { lines, dropped }: Pending): Promise<void> {
    const path = this.#path(job);
    const size = (await this.#files.stat(path))?.sizeBytes ?? 0;
    if (size >= limits.jobLogBytesMax) return;
    if (dropped > 0)
      lines.push(
        this.#note(
          job,
          `${dropped} lines were dropped here as they came faster than they could be written`,
        ),
      );
    let content = lines.join("");
    if (size + content.length > limits.jobLogBytesMax) {
      const room = Math.max(0, limits.jobLogBytesMax - size);
      const kept = content.slice(0, content.lastIndexOf("\n", room) + 1);
      const note = this.#note(
        job,
        `the rest of this job's output is dropped, as one job may print ${limits.jobLogBytesMax} bytes`,
      );
      content = `${kept}${note.trimEnd().padEnd(room - kept.length)}\n`; // filled up to the bound, so that it is reached
    }
    const bytes = Buffer.from(content);
    const file = await this.#files.append(path);
    await file.write(bytes).finally(() => file.close());
    this.#totalBytes += bytes.length;
  }

  #note(job: string, text: string): string {
    return encodeLine({ task: job, at: this.#clock.now(), stream: "canopy", text });
  }

  #drop(job: string): void {
    this.#pendingBytes -= bytesOf(this.#pending.get(job)?.lines ?? []);
    this.#pending.delete(job);
  }

  /** Ids of jobs sort by the time they were made. */
  async #removeOldest(): Promise<void> {
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

function bytesOf(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length;
  return bytes;
}
