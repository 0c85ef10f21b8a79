import { histogramIndex } from "#/model/run-time-histogram.ts";
import type { StepRecord, StepStatus } from "#/model/step.ts";
import { noUsage, plusKnown, type Usage } from "#/model/usage.ts";
import type { Transaction } from "#/space/space.ts";

/** What one commit changes in the counters of one step: summed up first, written once. */
class StepTally {
  succeeded = 0;
  failed = 0;
  reused = 0;
  retried = 0;
  lost = 0;
  /** True when tasks that had succeeded are to run again. */
  reopens = false;
  #runTimes: number[] = [];
  #usage: Usage = { ...noUsage };

  spend(usage: Usage): void {
    const sum = this.#usage;
    sum.attempts += usage.attempts;
    sum.wallMs += usage.wallMs;
    sum.cpuMs += usage.cpuMs;
    sum.memoryByteSeconds += usage.memoryByteSeconds;
    sum.memoryPeakBytes = Math.max(sum.memoryPeakBytes, usage.memoryPeakBytes);
    sum.readBytes += usage.readBytes;
    sum.writtenBytes += usage.writtenBytes;
    sum.costMicros = plusKnown(sum.costMicros, usage.costMicros);
    sum.energyJoules = plusKnown(sum.energyJoules, usage.energyJoules);
    sum.measuredJoules += usage.measuredJoules ?? 0; // records of before have none
    sum.grams = plusKnown(sum.grams, usage.grams);
  }

  ran(wallMs: number): void {
    const index = histogramIndex(wallMs);
    this.#runTimes[index] = (this.#runTimes[index] ?? 0) + 1;
  }

  applyTo(status: StepStatus): StepStatus {
    const { endedAt, reason, ...before } = status;
    this.spend(before.usage);
    const length = Math.max(before.runTimes.length, this.#runTimes.length);
    const runTimes = Array.from(
      { length },
      (_, index) => (before.runTimes[index] ?? 0) + (this.#runTimes[index] ?? 0),
    );
    const ended = {
      ...(endedAt !== undefined && { endedAt }),
      ...(reason !== undefined && { reason }),
    };
    return {
      ...before,
      ...(this.reopens ? { phase: "running" } : ended),
      succeeded: before.succeeded + this.succeeded,
      failed: before.failed + this.failed,
      reused: before.reused + this.reused,
      retried: before.retried + this.retried,
      lost: before.lost + this.lost,
      usage: this.#usage,
      runTimes,
    };
  }
}

/** The tallies of one commit. Counters change together with the tasks that they count, or not at all. */
export class Tally {
  #steps = new Map<string, StepTally>();
  #lastName = "";
  #last: StepTally | undefined;

  of(step: string): StepTally {
    if (this.#last && step === this.#lastName) return this.#last;
    let tally = this.#steps.get(step);
    if (!tally) this.#steps.set(step, (tally = new StepTally()));
    this.#lastName = step;
    this.#last = tally;
    return tally;
  }

  write(tx: Transaction): void {
    for (const [name, tally] of this.#steps) {
      const record: StepRecord | undefined = tx.get("step", name);
      if (record) tx.put({ ...record, status: tally.applyTo(record.status) });
    }
  }
}
