import { limits } from "#/base/limits.ts";
import type { FromAgent, TaskClaim, TaskReport } from "#/model/wire.ts";

/**
 * What has ended, until the cloud says that it is durable. Ended work of one turn leaves in one
 * message; what was not acknowledged is said again, under the same number, on a new link.
 */
export class Reports {
  #pending: TaskReport[] = [];
  #pendingBytes = 0;
  #sent = new Map<number, TaskReport[]>();
  #number = 0;
  #count = 0;

  /** Tasks that have ended and are not acknowledged. */
  get count(): number {
    return this.#count;
  }

  add(report: TaskReport): void {
    this.#pending.push(report);
    this.#pendingBytes += report.result?.length ?? 0;
    this.#count++;
  }

  /** True when so much waits that it should not wait for the end of the turn. */
  get isFull(): boolean {
    return (
      this.#pending.length >= limits.finishTasksMax || this.#pendingBytes > limits.finishBytesMax
    );
  }

  /** The message for what has ended since the last, if any. */
  take(): Extract<FromAgent, { type: "finish" }> | undefined {
    if (this.#pending.length === 0) return undefined;
    const reports = this.#pending;
    const number = ++this.#number;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#sent.set(number, reports);
    return { type: "finish", number, reports };
  }

  acknowledged(number: number): void {
    this.#count -= this.#sent.get(number)?.length ?? 0;
    this.#sent.delete(number);
  }

  /** All that was said and not acknowledged, in order. */
  unacknowledged(): Extract<FromAgent, { type: "finish" }>[] {
    return [...this.#sent].map(([number, reports]) => ({ type: "finish", number, reports }));
  }

  /** Claims of all that is not acknowledged: this machine holds them still. */
  claims(): TaskClaim[] {
    return [...this.#sent.values(), this.#pending].flatMap((reports) =>
      reports.map(({ task, fence }): TaskClaim => [task, fence]),
    );
  }
}
