import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

/**
 * Turns of one instance: each looks at what is to be and does the next thing. Never two at once; a wake while one is under way
 * makes one more. After a failure comes another one, ever later.
 */
export class Turns {
  #clock: Clock;
  #turn: () => Promise<void>;
  #failed: (thrown: unknown) => void;
  #isDue = false;
  #isTurning = false;
  #isClosed = false;
  #turning: Promise<void> = Promise.resolve();
  /** Starts that failed, and crashes. */
  #failures = 0;
  #failuresInRow = 0;
  #retry: Timer | undefined;

  constructor(clock: Clock, turn: () => Promise<void>, failed: (thrown: unknown) => void) {
    this.#clock = clock;
    this.#turn = turn;
    this.#failed = failed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  wake(): void {
    this.#isDue = true;
    if (!this.#isTurning && !this.#isClosed) this.#turning = this.#run();
  }

  async #run(): Promise<void> {
    this.#isTurning = true;
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false;
      this.#retry?.cancel();
      try {
        await this.#turn();
        this.#failuresInRow = 0;
      } catch (thrown) {
        this.#failuresInRow++;
        this.#failed(thrown);
      }
    }
    this.#isTurning = false;
  }

  /** Counts a failure: whether it may be tried again. */
  mayRetry(): boolean {
    return ++this.#failures < limits.instanceStartsMax;
  }

  /** What failed before says nothing of what is wanted now. */
  forgetFailures(): void {
    this.#failures = 0;
  }

  /** Another turn, the later the more has failed. */
  later(): void {
    const failed = Math.max(this.#failures, this.#failuresInRow);
    const waitMs = limits.instanceRetryMs * 2 ** Math.min(failed, 10);
    this.#retry?.cancel();
    this.#retry = this.#clock.after(
      Math.min(waitMs, limits.instanceRetryMsMax),
      () => this.wake(),
      true,
    );
  }

  /** No turn begins after this one. */
  end(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
  }

  /** Ends them; resolves when none is under way. */
  async close(): Promise<void> {
    this.end();
    await this.#turning;
  }
}
