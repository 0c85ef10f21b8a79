import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { TaskError } from "#/model/task.ts";
import type { Seat } from "../admission.ts";
import type { Driver, DriverParts, Outcome, Work } from "../driver.ts";
import { failed, usedNothing } from "../outcomes.ts";
import { Attempt } from "./attempt.ts";

const sweepMs = 25;

/**
 * Runs any executable as it is, in a folder and a process group of its own, within a cage where the
 * kernel lets us. Whatever it started is ended with it.
 */
export function processDriver(parts: DriverParts): Driver {
  return new ProcessDriver(parts);
}

class ProcessDriver implements Driver {
  readonly name = "process";
  #parts: DriverParts;
  #waiting = new Map<Work, { withdraw(): void }>();
  #attempts = new Map<Work, Attempt>();
  #sweep: Timer | undefined;
  #isStopped = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  start(work: Work): void {
    let isSeated = false;
    const asked = this.#parts.admission.ask(work.brief.spec.template.needs, (seat) => {
      isSeated = true;
      this.#waiting.delete(work);
      void this.#run(work, seat);
    });
    if (!isSeated) this.#waiting.set(work, asked);
  }

  cancel(work: Work): void {
    work.cancelled = true;
    const waiting = this.#waiting.get(work);
    if (waiting) {
      this.#waiting.delete(work);
      waiting.withdraw();
      const outcome = failed(usedNothing(this.#parts.clock.now()), "cancelled", "It was cancelled");
      queueMicrotask(() => work.sink.ended(work, outcome));
    } else {
      this.#attempts.get(work)?.cancel();
    }
  }

  crash(work: Work, error: TaskError): boolean {
    return this.#attempts.get(work)?.crash(error) ?? false;
  }

  running(): Work[] {
    return [...this.#attempts.keys()].filter((work) => work.startedMs > 0);
  }

  forget(): void {}

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const work of this.#waiting.keys()) this.cancel(work);
    const attempts = [...this.#attempts.values()];
    for (const attempt of attempts) attempt.cancel();
    await Promise.all(attempts.map((attempt) => attempt.over));
    this.#sweep?.cancel();
  }

  async #run(work: Work, seat: Seat): Promise<void> {
    const attempt = new Attempt(this.#parts, work);
    this.#attempts.set(work, attempt);
    if (this.#isStopped) attempt.cancel();
    this.#sweepSoon();
    const outcome = await attempt
      .run()
      .catch((thrown: unknown): Outcome =>
        failed(usedNothing(this.#parts.clock.now()), "not-started", messageOf(thrown)),
      );
    this.#attempts.delete(work);
    seat.release();
    work.sink.ended(work, outcome);
  }

  #sweepSoon(): void {
    this.#sweep ??= this.#parts.clock.after(
      sweepMs,
      () => {
        this.#sweep = undefined;
        const nowMs = this.#parts.clock.monotonicMs();
        for (const attempt of this.#attempts.values()) attempt.watch(nowMs);
        if (this.#attempts.size > 0) this.#sweepSoon();
      },
      true,
    );
  }
}
