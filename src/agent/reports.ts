import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { TaskError } from "#/model/task.ts";
import type { FromAgent, RunningTask, TaskClaim, TaskReport } from "#/model/wire.ts";

type Finish = Extract<FromAgent, { type: "finish" }>;

/**
 * What has ended, until the cloud says that it is durable. Ended work of one turn leaves in one
 * message; what was not acknowledged is said again, under the same number, on a new link. What names an
 * blob that the cloud does not have yet waits for it.
 */
export class Reports {
  #clock: Pick<Clock, "monotonicMs">;
  #owes: (key: string) => boolean;
  #pending: TaskReport[] = [];
  #pendingBytes = 0;
  #waiting: TaskReport[] = [];
  #sent = new Map<number, { reports: TaskReport[]; sentMs: number }>();
  #number = 0;
  #count = 0;

  /** `owes` tells whether a blob is still to be given to the cloud. */
  constructor(clock: Pick<Clock, "monotonicMs">, owes: (key: string) => boolean) {
    this.#clock = clock;
    this.#owes = owes;
  }

  /** Tasks that have ended and are not acknowledged. */
  get count(): number {
    return this.#count;
  }

  add(report: TaskReport): void {
    this.#count++;
    if (blobsOf(report).some(this.#owes)) this.#waiting.push(report);
    else this.#ready(report);
  }

  /** True when so much waits that it should not wait for the end of the turn. */
  get isFull(): boolean {
    return (
      this.#pending.length >= limits.finishTasksMax || this.#pendingBytes > limits.finishBytesMax
    );
  }

  /** The next message for what has ended and was not said yet, if any: call until there is none. */
  take(): Finish | undefined {
    if (this.#pending.length === 0) return undefined;
    const reports = this.isFull ? this.#shiftFull() : this.#pending.splice(0);
    if (this.#pending.length === 0) this.#pendingBytes = 0;
    const number = ++this.#number;
    this.#sent.set(number, { reports, sentMs: this.#clock.monotonicMs() });
    return { type: "finish", number, reports };
  }

  acknowledged(number: number): void {
    this.#count -= this.#sent.get(number)?.reports.length ?? 0;
    this.#sent.delete(number);
  }

  /** All that was said and not acknowledged, in order, to be said on a new link. */
  unacknowledged(): Finish[] {
    return [...this.#sent].map(([number, { reports }]) => ({ type: "finish", number, reports }));
  }

  /** All that is not acknowledged. */
  all(): TaskReport[] {
    const sent = [...this.#sent.values()].flatMap(({ reports }) => reports);
    return [...sent, ...this.#pending, ...this.#waiting];
  }

  /** What will not be acknowledged soon, or was not for long. */
  late(isLinked: boolean): TaskReport[] {
    if (!isLinked) return this.all();
    const beforeMs = this.#clock.monotonicMs() - limits.outboxAfterMs;
    const late = [...this.#waiting];
    for (const { reports, sentMs } of this.#sent.values()) {
      if (sentMs > beforeMs) break; // those behind it are younger
      late.push(...reports);
    }
    return late;
  }

  /** Claims of all that is not acknowledged: this machine holds them still. */
  claims(): TaskClaim[] {
    return this.all().map(({ task, fence }): TaskClaim => [task, fence]);
  }

  /** What waits for its blobs: for the cloud, it is under way. */
  waiting(): RunningTask[] {
    return this.#waiting.map(({ task, fence, usage: { wallMs } }) => ({
      task,
      fence,
      sinceMs: Math.round(wallMs),
    }));
  }

  /** The cloud waits for these no more: what waits for its blobs is forgotten. */
  drop(claims: readonly TaskClaim[]): void {
    if (this.#waiting.length === 0) return;
    const dropped = new Set(claims.map(([task, fence]) => `${task} ${fence}`));
    const kept = this.#waiting.filter(({ task, fence }) => !dropped.has(`${task} ${fence}`));
    this.#count -= this.#waiting.length - kept.length;
    this.#waiting = kept;
  }

  /** The cloud has taken a blob: what waited for no other can be handed in. */
  paid(): void {
    for (const report of this.#waiting.splice(0)) {
      if (blobsOf(report).some(this.#owes)) this.#waiting.push(report);
      else this.#ready(report);
    }
  }

  /** The cloud will never have that blob: what names it has failed. */
  refused(key: string, error: TaskError): void {
    for (const report of this.#waiting.splice(0)) {
      const { task, fence, usage } = report;
      if (blobsOf(report).includes(key)) this.#ready({ task, fence, usage, error });
      else this.#waiting.push(report);
    }
  }

  #ready(report: TaskReport): void {
    this.#pending.push(report);
    this.#pendingBytes += bytesOf(report);
  }

  /** A message full of what is pending, from its front. */
  #shiftFull(): TaskReport[] {
    let bytes = 0;
    let count = 0;
    while (
      count < this.#pending.length &&
      count < limits.finishTasksMax &&
      bytes < limits.finishBytesMax
    ) {
      bytes += bytesOf(this.#pending[count++]!);
    }
    this.#pendingBytes -= bytes;
    return this.#pending.splice(0, count);
  }
}

/** Blobs of the cloud that a report names. */
export function blobsOf({ resultBlob, outputs }: TaskReport): readonly string[] {
  if (resultBlob === undefined && outputs === undefined) return none;
  return [...(resultBlob === undefined ? [] : [resultBlob]), ...Object.values(outputs ?? {})];
}

const none: readonly string[] = [];

/** About what a report adds to a message; what all have is counted by their number. */
function bytesOf({ result, error, outputs, shuffleBytes }: TaskReport): number {
  let bytes = result?.length ?? 0;
  if (error) bytes += error.message.length + (error.stack?.length ?? 0);
  for (const task of error?.lostTasks ?? []) bytes += task.length;
  for (const path in outputs) bytes += path.length + outputs[path]!.length;
  if (shuffleBytes) bytes += shuffleBytes.length * shuffleNumberBytes;
  return bytes;
}

const shuffleNumberBytes = 10;
