import { observedOf } from "#/autonomic/knowledge/observed.ts";
import { ownMin, type Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { machineTypeOf, sortInJob, sortOfTitle } from "#/autonomic/knowledge/sorts.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Offer } from "#/model/site.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";

/** So many ended tasks of one sort are looked at: the last ones. */
const kept = 256;

type Known = Pick<Knowledge, "seen" | "offers" | "slownessOf" | "recurring" | "throttled">;

/** What the loops of a fork know: what the cloud did at its moment, and what has ended in the fork since. */
export class ForkKnowledge implements Known {
  #runTimes: KnownRunTimes;
  #ended = new Map<string, number[]>();

  constructor(runTimes: KnownRunTimes) {
    this.#runTimes = runTimes;
  }

  /** A task of the step has ended well. */
  ended({ name, project, spec }: StepRecord, machine: MachineRecord, wallMs: number): void {
    const usualMs = wallMs / this.slownessOf(machine);
    for (const sort of [sortInJob(jobOf(name), spec.title), sortOfTitle(project, spec.title)])
      this.#endedOf(sort).push(usualMs);
  }

  seen(project: string): ReturnType<Known["seen"]> {
    return (title, of) => {
      const runningMs = of?.runningMs ?? [];
      const own = of ? this.#endedOf(sortInJob(of.job, title)) : [];
      const ended = own.length >= ownMin ? own : this.#endedOf(sortOfTitle(project, title));
      return observedOf({ endedMs: ended.slice(-kept), runningMs }, ended.length);
    };
  }

  slownessOf(machine: Pick<MachineRecord, "spec" | "status">): number {
    return this.#runTimes.slowness.get(machineTypeOf(machine)) ?? 1;
  }

  /** They are known as well as they were at the moment. */
  offers(offers: readonly Offer[]): Offer[] {
    return [...offers];
  }

  /** What comes in a fork is drawn by chance. */
  recurring(): [] {
    return [];
  }

  throttled(): void {}

  #endedOf(sort: string): number[] {
    let ended = this.#ended.get(sort);
    if (!ended)
      this.#ended.set(sort, (ended = [...(this.#runTimes.sorts.get(sort)?.endedMs ?? [])]));
    return ended;
  }
}
