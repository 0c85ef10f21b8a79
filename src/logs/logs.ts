import type { LogLine } from "#/model/wire.ts";

/** Lines of a job from a place on. */
export interface LogPage {
  lines: LogLine[];
  /** Give it as `after` to read on. */
  next: number;
}

/**
 * What tasks print, kept per job. It is no record: a line may be lost in a power cut, and a job that
 * prints without end loses the rest past `limits.jobLogBytesMax`, which its log then says.
 */
export interface Logs {
  /** Takes lines in, never waits, and keeps little in memory: what cannot be written as fast as it comes is dropped, and counted. */
  append(job: string, lines: readonly LogLine[]): void;
  /** Lines after the place `after` (0: the beginning), of one task when given. Fewer than `max` lines mean the end for now. */
  read(job: string, options?: { task?: string; after?: number; max?: number }): Promise<LogPage>;
  /** Calls `listener` when more can be read of a job. */
  onMore(job: string, listener: () => void): () => void;
  /** Resolves when all lines taken in so far can be read. */
  flushed(): Promise<void>;
  remove(job: string): Promise<void>;
  close(): Promise<void>;
}
