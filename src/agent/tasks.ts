import type { Clock } from "#/base/clock.ts";
import type { Driver, Outcome, Work, WorkSink } from "#/drivers/driver.ts";
import { failed, usedNothing } from "#/drivers/outcomes.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { RunningTask, StepBrief, TaskClaim, TaskOffer, TaskReport } from "#/model/wire.ts";

export interface TaskEvents {
  ended(report: TaskReport): void;
  /** It ended, and nobody waits to hear how. */
  dropped(): void;
  /** What an attempt drew that ends now, in joules, where that is measured. */
  measured(usage: TaskUsage, milliCpus: number): number | undefined;
  printed: WorkSink["log"];
}

/** All that this agent holds: leased to it, begun or not. */
export class Tasks implements WorkSink {
  #clock: Clock;
  #drivers: Map<string, Driver>;
  #events: TaskEvents;
  #steps = new Map<string, StepBrief>();
  /** By fence: the same task may come again under another one. */
  #held = new Map<number, Work>();

  constructor(clock: Clock, drivers: Driver[], events: TaskEvents) {
    this.#clock = clock;
    this.#drivers = new Map(drivers.map((driver) => [driver.name, driver]));
    this.#events = events;
  }

  get count(): number {
    return this.#held.size;
  }

  claims(): TaskClaim[] {
    return [...this.#held.values()].filter(({ cancelled }) => !cancelled).map(claimOf);
  }

  running(): RunningTask[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#drivers.values()]
      .flatMap((driver) => driver.running())
      .map(({ offer, startedMs }) => ({
        task: offer.task,
        fence: offer.fence,
        sinceMs: Math.max(0, Math.round(nowMs - startedMs)),
      }));
  }

  /** Takes what was handed out; gives claims on what it knows too little of to run. */
  take(steps: Record<string, StepBrief>, offers: TaskOffer[]): TaskClaim[] {
    for (const [name, brief] of Object.entries(steps)) this.#steps.set(name, brief);
    const unknown: TaskClaim[] = [];
    for (const offer of offers) {
      const step = stepOfTask(offer.task);
      const brief = this.#steps.get(step);
      if (!brief) unknown.push([offer.task, offer.fence]);
      else if (!this.#held.has(offer.fence)) this.#start({ offer, step, brief });
    }
    return unknown;
  }

  cancel(claims: TaskClaim[]): void {
    for (const [, fence] of claims) {
      const work = this.#held.get(fence);
      if (!work || work.cancelled) continue;
      work.cancelled = true;
      this.#driverOf(work)?.cancel(work);
    }
  }

  /** A game day hits it. False when it is not under way here. */
  crash([, fence]: TaskClaim, hit: string): boolean {
    const work = this.#held.get(fence);
    if (!work || work.cancelled || work.startedMs === 0) return false;
    const message = `A game day ended its process by SIGKILL: ${hit}`;
    return this.#driverOf(work)?.crash(work, { reason: "injected", message, hit }) ?? false;
  }

  /** Ends all of it, or what has not begun, without a report; gives the claims on it. */
  giveUp(which: "all" | "waiting"): TaskClaim[] {
    const given = [...this.#held.values()].filter(
      ({ cancelled, startedMs }) => !cancelled && (which === "all" || startedMs === 0),
    );
    const claims = given.map(claimOf);
    this.cancel(claims);
    return claims;
  }

  forget(jobs: string[]): void {
    for (const job of jobs) for (const driver of this.#drivers.values()) driver.forget(job);
    const gone = new Set(jobs);
    for (const step of this.#steps.keys()) if (gone.has(jobOf(step))) this.#steps.delete(step);
  }

  log(work: Work, stream: Parameters<WorkSink["log"]>[1], text: string): void {
    this.#events.printed(work, stream, text);
  }

  ended(work: Work, outcome: Outcome): void {
    const { task, fence } = work.offer;
    if (!this.#held.delete(fence)) return;
    if (work.cancelled) this.#events.dropped();
    else this.#events.ended(Object.assign({ task, fence }, this.#measured(work, outcome)));
  }

  #measured({ brief }: Work, outcome: Outcome): Outcome {
    const { usage } = outcome;
    const joules = this.#events.measured(usage, brief.spec.template.needs.milliCpus);
    return joules === undefined ? outcome : { ...outcome, usage: { ...usage, joules } };
  }

  #start({ offer, step, brief }: Pick<Work, "offer" | "step" | "brief">): void {
    const work: Work = {
      offer,
      step,
      brief,
      sink: this,
      startedMs: 0,
      cancelled: false,
      suspected: 0,
    };
    this.#held.set(offer.fence, work);
    const driver = this.#driverOf(work);
    if (driver) return driver.start(work);
    const message = `This machine has no driver '${brief.spec.template.run.driver}'`;
    this.ended(work, failed(usedNothing(this.#clock.now()), "not-started", message));
  }

  #driverOf({ brief }: Work): Driver | undefined {
    return this.#drivers.get(brief.spec.template.run.driver);
  }
}

function claimOf({ offer }: Work): TaskClaim {
  return [offer.task, offer.fence];
}
