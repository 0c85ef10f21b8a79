import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import type { JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { Change } from "#/model/record.ts";
import type { Offer } from "#/model/site.ts";
import type { StepRecord } from "#/model/step.ts";
import { stepOfTask, type TaskRecord } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { Seen } from "../demand.ts";
import type { KnownOffer } from "../machine-types.ts";
import { Arrivals } from "./arrivals.ts";
import { OfferKnowledge, type Learned } from "./offers.ts";
import { observedOf } from "./observed.ts";
import { recurringOf, type Recurring } from "./recurring.ts";
import { RunTimeKnowledge } from "./run-times.ts";
import { machineTypeOf, sortInJob, sortOfTitle, sortsOf, typeOfOffer } from "./sorts.ts";

/** Ended tasks read back from the archive at start: pages, and tasks of one. */
const pagesMax = 10;
const pageTasks = 500;
/** Of the changes of one batch, so many are learned from: where thousands end together, they are alike. */
const learnedMax = 128;
/** Ended tasks of a job's own after which others are not asked. */
export const ownMin = 5;
/** Jobs read back, and steps of one. */
const jobsMax = 200;
const jobStepsMax = 50;
/** Orders read back. */
const ordersMax = 1000;

/**
 * What is known of run times and of what is submitted, kept up with what happens. Begins with what ended last before
 * it.
 */
export class Knowledge {
  readonly runTimes = new RunTimeKnowledge();
  readonly arrivals = new Arrivals();
  readonly #offered = new OfferKnowledge();
  #space: Space;
  #stopListening: () => void = () => {};
  #stopped = false;
  /** Lets others have the event loop: what is read back is read at every start. */
  #turn: () => Promise<void> = () => Promise.resolve();
  #now: () => number = () => 0;
  /** Of steps whose tasks ended lately. */
  #sorts = new Map<string, readonly string[]>();
  #lastStep = "";
  #lastSorts: readonly string[] | undefined;

  constructor(space: Space) {
    this.#space = space;
  }

  start({ clock, log }: { clock: Clock; log: Log }): void {
    this.#now = () => clock.now();
    for (const order of this.#space.all("order")) this.#offered.saw(order);
    this.#turn = () => new Promise((resolve) => clock.soon(resolve));
    const { sequence } = this.#space;
    const stopDurable = this.#space.onDurable((batch) => {
      if (batch.sequence > sequence) this.#see(batch.changes);
    });
    // What failed is known before anything else is ordered.
    const stopApplied = this.#space.onApplied((changes) => {
      for (const { record } of changes) if (record.kind === "order") this.#offered.saw(record);
    });
    this.#stopListening = () => {
      stopDurable();
      stopApplied();
    };
    for (const machine of this.#space.all("machine")) this.#measured(machine, false);
    this.#recall().catch((thrown: unknown) => {
      if (this.#stopped) return;
      log.warn("run times of earlier tasks could not be read", { error: messageOf(thrown) });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
  }

  /**
   * What is known of a project's run times, for plans: of a job's own tasks once enough have ended, else of all of
   * their title.
   */
  seen(project: string): Seen {
    return (title, of) => {
      if (of) {
        const own = this.runTimes.endedOf(sortInJob(of.job, title));
        if (own.count >= ownMin)
          return observedOf({ endedMs: own.endedMs, runningMs: of.runningMs }, own.count);
      }
      const { endedMs, count } = this.runTimes.endedOf(sortOfTitle(project, title));
      return observedOf({ endedMs, runningMs: of?.runningMs ?? [] }, count);
    };
  }

  /** How much longer tasks take on that machine than on a usual one. */
  slownessOf(machine: Pick<MachineRecord, "spec" | "status">): number {
    return this.runTimes.slownessOf(machineTypeOf(machine));
  }

  /** What sites offer, with what was learned of it. */
  offers(stated: readonly Offer[]): KnownOffer[] {
    const now = this.#now();
    return stated.map((offer) => ({
      ...this.#offered.known(offer, now),
      slowness: this.runTimes.slownessOf(typeOfOffer(offer)),
    }));
  }

  /** What was learned of an offer beside what its site says; undefined where nothing was. */
  learnedOf(offer: Offer): Learned | undefined {
    return this.#offered.of(offer, this.#now());
  }

  /** Jobs that have come at equal distances, and are expected. */
  recurring(): Recurring[] {
    return recurringOf(this.arrivals.last, this.#now());
  }

  /** A site did not carry out an order, and is asked again after that. */
  throttled(order: OrderRecord, reason: string, afterMs: number): void {
    this.#offered.throttled(order, reason, this.#now(), afterMs);
  }

  #see(changes: readonly Change[]): void {
    const stride = Math.ceil(changes.length / learnedMax);
    for (let at = 0; at < changes.length; at++) {
      const { op, record } = changes[at]!;
      if (record.kind === "task") {
        if (op === "archive" && at % stride === 0) this.#ended(record);
      } else if (record.kind === "step" && op === "archive") {
        this.#sorts.delete(record.name);
        this.#lastSorts = undefined;
      } else if (record.kind === "job" && op === "put" && record.revision === 1) {
        this.#submitted(record.name);
      } else if (record.kind === "machine") this.#measured(record, op === "delete");
    }
  }

  #measured(machine: MachineRecord, isGone: boolean): void {
    const { name, status } = machine;
    const measured = isGone ? undefined : status.measured?.roundsPerSecond;
    this.runTimes.measured(name, machineTypeOf(machine), measured);
  }

  #submitted(name: string): void {
    const job = this.#space.get("job", name);
    if (job) this.arrivals.saw(job, [...this.#space.list("step", name)]);
  }

  #ended(task: TaskRecord): void {
    const slash = task.name.lastIndexOf("/");
    if (
      !this.#lastSorts ||
      slash !== this.#lastStep.length ||
      !task.name.startsWith(this.#lastStep)
    ) {
      this.#lastStep = stepOfTask(task.name);
      this.#lastSorts = this.#sortsOf(this.#lastStep);
    }
    if (this.#lastSorts) this.#add(task, this.#lastSorts);
  }

  #add({ status }: TaskRecord, sorts: readonly string[]): void {
    const { phase, usage, machine, reused } = status;
    if (phase !== "succeeded" || !usage || machine === undefined || reused) return;
    const record = this.#space.get("machine", machine);
    this.runTimes.ended(sorts, record ? machineTypeOf(record) : "", usage.wallMs);
  }

  #sortsOf(step: string): readonly string[] | undefined {
    let sorts = this.#sorts.get(step);
    const record = sorts ? undefined : this.#space.get("step", step);
    if (record) this.#sorts.set(step, (sorts = usualSorts(record)));
    return sorts;
  }

  /** Reads back what ended before this start, the newest first, and learns from it in the order in which it was made. */
  async #recall(): Promise<void> {
    const tasks: TaskRecord[] = [];
    let before: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      await this.#turn();
      if (this.#stopped) return;
      const found = await this.#space.archived("task", {
        phase: "succeeded",
        limit: pageTasks,
        ...(before !== undefined && { before }),
      });
      tasks.push(...found);
      before = found.at(-1)?.name;
      if (found.length < pageTasks) break;
    }
    const names = [...new Set(tasks.map(({ name }) => stepOfTask(name)))];
    const steps = await this.#space.find("step", names);
    const sorts = new Map(
      steps.flatMap((step) => (step ? [[step.name, usualSorts(step)] as const] : [])),
    );
    if (this.#stopped) return;
    for (const task of tasks.toReversed()) {
      const of = sorts.get(stepOfTask(task.name));
      if (of) this.#add(task, of);
    }
    await this.#recallJobs();
    await this.#recallOrders();
  }

  async #recallOrders(): Promise<void> {
    const archived = await this.#space.archived("order", { limit: ordersMax });
    if (this.#stopped) return;
    this.#offered.recall(archived.toReversed());
  }

  async #recallJobs(): Promise<void> {
    const archived = await this.#space.archived("job", { limit: jobsMax });
    const earlier = new Arrivals();
    for (const job of archived.toReversed()) await this.#recallJob(earlier, job);
    for (const job of this.#space.list("job")) await this.#recallJob(earlier, job);
    if (this.#stopped) return;
    const since = this.arrivals.last[0]?.at ?? Infinity;
    this.arrivals.recall(earlier.last.filter(({ at }) => at < since));
  }

  async #recallJob(into: Arrivals, job: JobRecord): Promise<void> {
    await this.#turn();
    if (this.#stopped) return;
    const names = Array.from(
      { length: Math.min(job.status.steps, jobStepsMax) },
      (_, number) => `${job.name}/${number}`,
    );
    const steps = await this.#space.find("step", names);
    const found = steps.filter((step) => step !== undefined);
    if (found.length === job.status.steps) into.saw(job, found);
  }
}

/** Code of a job runs for as long as what it waits for: that says nothing of others. */
function usualSorts(step: StepRecord): readonly string[] {
  const { run } = step.spec.template;
  const sorts = sortsOf(step);
  return run.driver === "runner" && run.role === "job" ? sorts.slice(0, 2) : sorts;
}
