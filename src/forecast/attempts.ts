import type { SimulatedClock } from "#/base/simulated-clock.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { Attempt, Course } from "./machine.ts";

/** What a fork cannot know, and has to be told. */
export interface Fates {
  /** How long an attempt of a step takes in all, in milliseconds, given that it takes more than it has run. */
  runMs(step: StepRecord, attempt: Attempt): number;
  /** Whether it fails in the end. */
  fails(step: StepRecord, attempt: Attempt): boolean;
}

interface Parts {
  space: Space;
  clock: SimulatedClock;
  fates: Fates;
  /** An attempt ended well. */
  ended: (step: StepRecord, attempt: Attempt, wallMs: number) => void;
}

/** How attempts go in a fork, and which are under way. */
export class Attempts {
  #parts: Parts;
  /** When the first task of a job began that had not when the fork did. */
  readonly began = new Map<string, number>();
  /** Attempts under way, by job. */
  readonly underWay = new Map<string, number>();
  /** Tasks that wait until all other steps of their job have ended. */
  #waiters = new Map<string, () => void>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(attempt: Attempt): Course {
    const { space, clock, fates, ended } = this.#parts;
    const step = space.get("step", stepOfTask(attempt.task))!;
    const job = jobOf(step.name);
    const beganAt = clock.now();
    if (!this.began.has(job) && attempt.ranMs === undefined) this.began.set(job, beganAt);
    const { ranMs = 0 } = attempt;
    this.underWay.set(job, (this.underWay.get(job) ?? 0) + 1);
    const isWaiter = this.#isWaiter(step);
    const { timeoutMs = Infinity } = step.spec.template;
    const runMs = isWaiter ? 0 : fates.runMs(step, attempt);
    const leftMs = Math.max(0, Math.min(runMs, timeoutMs) - ranMs);
    return {
      leftMs: isWaiter ? undefined : leftMs,
      wait: (over) => void this.#waiters.set(job, over),
      report: () => {
        this.underWay.set(job, this.underWay.get(job)! - 1);
        const fails = runMs > timeoutMs || fates.fails(step, attempt);
        const wallMs = ranMs + clock.now() - beganAt;
        if (!fails && !isWaiter) ended(step, attempt, wallMs);
        return {
          usage: usageOf(step, wallMs, beganAt - ranMs),
          ...(fails && { error: { reason: "exited" as const, message: "failed as others had" } }),
        };
      },
    };
  }

  /** A step has ended: who waited for it and all others ends too. */
  stepEnded({ name }: StepRecord): void {
    const { space, clock } = this.#parts;
    const job = jobOf(name);
    const over = this.#waiters.get(job);
    const main = space.get("job", job)?.spec.mainStep ?? "";
    if (!over || this.#hasOthers(job, main)) return;
    this.#waiters.delete(job);
    clock.soon(over);
  }

  /** Code of a job ends when what it waits for has; how long it would run on by itself is not known. */
  #isWaiter({ name, spec }: StepRecord): boolean {
    const { run } = spec.template;
    return run.driver === "runner" && run.role === "job" && this.#hasOthers(jobOf(name), name);
  }

  #hasOthers(job: string, than: string): boolean {
    for (const step of this.#parts.space.list("step", job))
      if (step.name !== than && !hasStepEnded(step)) return true;
    return false;
  }
}

/** What an attempt of a step uses of its machine: as those before, or all that it asked for. */
function usageOf({ status, spec }: StepRecord, wallMs: number, startedAt: number) {
  const { usage } = status;
  const isKnown = usage.attempts > 0 && usage.wallMs > 0;
  const cpus = isKnown ? usage.cpuMs / usage.wallMs : spec.template.needs.milliCpus / 1000;
  const memoryBytes = isKnown ? (usage.memoryByteSeconds * 1000) / usage.wallMs : 0;
  return { startedAt, wallMs, cpuMs: wallMs * cpus, memoryBytes, readBytes: 0, writtenBytes: 0 };
}
