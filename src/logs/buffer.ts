import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { LogLine } from "#/model/wire.ts";
import { encodeLine } from "./line.ts";

interface Pending {
  lines: string[];
  dropped: number;
}

interface BufferParts {
  clock: Clock;
  report: Log;
  /** The bytes that a job's log has. */
  sizeOf: (job: string) => Promise<number>;
  /** Adds whole lines to a job's log. */
  write: (job: string, content: string) => Promise<void>;
  /** Called when all that was pending has been written. */
  onFlushed: () => Promise<void>;
}

/**
 * Lines that wait to be written: gathered in memory and given on a few times a second, each job's in one
 * write, so that neither the link they come by nor the loop waits for a disk. Keeps two bounds whatever
 * tasks print: bytes in memory, and bytes of one job.
 */
export class LogBuffer {
  #parts: BufferParts;
  #pending = new Map<string, Pending>();
  #pendingBytes = 0;
  #flushing: Promise<void> | undefined;
  #listeners = new Map<string, Set<() => void>>();
  #failed = false;
  #hasWarned = false;

  constructor(parts: BufferParts) {
    this.#parts = parts;
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

  /** Says that there is more of a job, or perhaps of any. */
  tell(job?: string): void {
    const told =
      job === undefined ? [...this.#listeners.values()] : [this.#listeners.get(job) ?? []];
    for (const listeners of told) for (const listener of listeners) listener();
  }

  async flushed(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  /** Forgets what waits to be written of a job. */
  drop(job: string): void {
    this.#pendingBytes -= bytesOf(this.#pending.get(job)?.lines ?? []);
    this.#pending.delete(job);
  }

  #flushLater(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(limits.logFlushMs, () => {
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
          this.#parts.report.warn(
            "logs of tasks cannot be written; they are dropped until they can",
            { error: messageOf(thrown) },
          );
        this.#failed = true;
      }
      this.tell(job);
    }
    await this.#parts.onFlushed().catch((thrown: unknown) => {
      if (!this.#hasWarned)
        this.#parts.report.warn("the oldest logs of tasks cannot be removed", {
          error: messageOf(thrown),
        });
      this.#hasWarned = true;
    });
  }

  async #write(job: string, { lines, dropped }: Pending): Promise<void> {
    const size = await this.#parts.sizeOf(job);
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
    await this.#parts.write(job, content);
  }

  #note(job: string, text: string): string {
    return encodeLine({ task: job, at: this.#parts.clock.now(), stream: "canopy", text });
  }
}

function bytesOf(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length;
  return bytes;
}
