import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";

/** Names of queues that were removed a moment ago; a control plane that starts knows of none. */
export class RecentlyRemoved {
  #clock: Clock;
  /** When, on the monotonic clock; the oldest first. */
  #at = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(name: string): void {
    const now = this.#clock.monotonicMs();
    for (const [other, at] of this.#at) {
      if (now - at < limits.queueNameRestsMs) break;
      this.#at.delete(other);
    }
    this.#at.delete(name);
    this.#at.set(name, now);
  }

  /** Throws "QueueDeletedRecently". */
  requireRested(name: string): void {
    const at = this.#at.get(name);
    if (at === undefined || this.#clock.monotonicMs() - at >= limits.queueNameRestsMs) return;
    throw new AwsError(
      "QueueDeletedRecently",
      400,
      `You must wait ${limits.queueNameRestsMs / 1000} seconds after deleting a queue before you can create another with the same name.`,
    );
  }
}
