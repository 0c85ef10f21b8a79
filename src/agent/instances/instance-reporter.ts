import type { InstanceReport } from "#/model/hosting.ts";
import type { InstanceParts } from "./instance-parts.ts";
import type { InstanceRecord } from "./instance-record.ts";
import type { InstanceRuntime } from "./instance-runtime.ts";

/** Says what an instance is, and knows what was said last. */
export class InstanceReporter {
  #parts: Pick<InstanceParts, "say">;
  #record: InstanceRecord;
  #runtime: InstanceRuntime;
  #last: InstanceReport | undefined;

  constructor(parts: Pick<InstanceParts, "say">, record: InstanceRecord, runtime: InstanceRuntime) {
    this.#parts = parts;
    this.#record = record;
    this.#runtime = runtime;
  }

  /** With what it uses now: that changes by itself. */
  get last(): InstanceReport {
    return this.#last ? { ...this.#last, ...this.#runtime.use } : this.#reportOf("preparing");
  }

  say(state: InstanceReport["state"], more: Partial<InstanceReport> = {}): void {
    this.#last = this.#reportOf(state, more);
    this.#parts.say(this.#last);
  }

  fails(code: string, message: string): void {
    this.say("failed", { reason: { code, message: `${code}: ${message}` } });
  }

  #reportOf(state: InstanceReport["state"], more: Partial<InstanceReport> = {}): InstanceReport {
    const { order, reboots, moves, crashed } = this.#record;
    const { instance, fence } = order;
    const stays = order.goesTo && moves?.stays;
    return {
      instance,
      fence,
      state,
      reboots,
      ...this.#runtime.report,
      ...(stays && { stays }),
      ...(crashed?.fence === fence && {
        crashed: { at: crashed.at, message: crashed.message },
      }),
      ...more,
    };
  }
}
