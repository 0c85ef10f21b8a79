import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { PlannedWork } from "#/model/plan.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { decide } from "./decide.ts";
import { demandOfJob, type Seen } from "./demand.ts";
import { keepGoal, type Action, type Purchase } from "./keep.ts";
import { machinesFor, openOrders, type Field } from "./machines.ts";
import { Orders, type OrderParts } from "./orders.ts";
import { spentBy, type Running } from "./spending.ts";

export interface AutonomicParts extends Omit<OrderParts, "onChange"> {
  space: Space;
  clock: Clock;
  random: Random;
  log: Log;
  field: Field & { leases(job?: string): Running[] };
  seen: (project: string) => Seen;
  /** Ends a job that may not go on. */
  cancelJob: (tx: Transaction, job: JobRecord, reason: string, now: number) => void;
}

/** Until a machine that is to be released costs nothing more, at most; the budget keeps so much back. */
const releaseMs = 5_000;

/**
 * The loop that keeps goals. Monitor: the records, and what the scheduler knows of this moment. Analyze and
 * plan: `keepGoal`, a pure function. Execute: orders, which `Orders` carries out. Everything it knows is in
 * the records, so that it goes on after a crash, and in another control plane.
 */
export function startAutonomic(parts: AutonomicParts): { stop(): void } {
  return new GoalLoop(parts);
}

class GoalLoop {
  #parts: AutonomicParts;
  #orders: Orders;
  #loop: Loop;
  /** What the plans of jobs expect, by plan. */
  #planned = new Map<string, readonly PlannedWork[]>();
  /** Until when a job has time, on the monotonic clock: a wall clock that is set does not move it. */
  #deadlinesMs = new Map<string, number>();
  /** What was said last of a job that will miss its goal. */
  #missed = new Map<string, string>();

  constructor(parts: AutonomicParts) {
    this.#parts = parts;
    this.#orders = new Orders({ ...parts, onChange: () => this.#loop.wake() });
    const { clock, log } = parts;
    this.#loop = startLoop("goals", () => this.#turn(), { clock, log, everyMs: limits.goalLookMs });
    this.#loop.wake();
  }

  stop(): void {
    this.#orders.stop();
    this.#loop.stop();
  }

  async #turn(): Promise<void> {
    const { space } = this.#parts;
    for (const job of space.all("job"))
      if (job.spec.goal && !hasJobEnded(job)) await this.#keep(job);
    this.#releaseUnwanted();
    this.#orders.look();
  }

  async #keep(job: JobRecord): Promise<void> {
    const { space, field, clock, sites, seen } = this.#parts;
    const goal = job.spec.goal!;
    const now = clock.now();
    const steps = [...space.list("step", job.name)];
    const parts = {
      job,
      steps,
      running: field.leases(job.name),
      orders: openOrders(space, job.name),
      machine: (name: string) => space.get("machine", name),
    };
    const spent = spentBy(now, parts);
    const { budgetMicros } = goal;
    if (budgetMicros !== undefined) {
      const soon = spentBy(now + releaseMs + 2 * limits.goalLookMs, parts);
      if (soon === undefined || soon >= budgetMicros) return this.#stopSpending(job, soon);
    }
    const deadlineMs = this.#leftMs(job);
    const planned = await this.#plannedOf(goal.plan);
    const action = keepGoal({
      demand: demandOfJob(job.name, {
        steps,
        planned,
        seen: seen(job.project),
        isOpen: job.status.open,
      }),
      goal: {
        objective: goal.objective,
        ...(deadlineMs !== undefined && { deadlineMs: Math.max(1, deadlineMs) }),
        ...(budgetMicros !== undefined && { budgetMicros: budgetMicros - (spent ?? 0) }),
      },
      machines: machinesFor(space, field, job, now),
      offers: sites.offers(),
    });
    this.#act(job.name, action);
  }

  #act(name: string, action: Action): void {
    const { space, clock } = this.#parts;
    if (action.type === "none") return void this.#missed.delete(name);
    if (action.type === "spare") return this.#spare(name, action.machine, action.why);
    const at = clock.now();
    const isMiss = action.type === "miss";
    const said = isMiss ? (action.why.at(-2) ?? "") : undefined;
    const isNew = isMiss && this.#missed.get(name) !== said;
    if (isMiss) this.#missed.set(name, said!);
    else this.#missed.delete(name);
    if (action.parts.length === 0 && !isNew) return;
    space.commit((tx) => {
      const job = tx.get("job", name);
      if (!job || hasJobEnded(job)) return;
      if (isMiss && isNew)
        decide(tx, job, {
          at,
          action: "warn",
          what: "will not keep the deadline",
          why: action.why,
        });
      for (const part of action.parts) this.#order(tx, job, part, at, action);
    });
  }

  /** One decision for all machines of an offer, and an order for each. */
  #order(
    tx: Transaction,
    job: JobRecord,
    { site, offer: name, count }: Purchase,
    at: number,
    { why, flip }: { why: string[]; flip?: string },
  ): void {
    const { sites, clock, random } = this.#parts;
    const offer = sites.offers().find((one) => one.site === site && one.name === name);
    if (!offer) return;
    for (let number = 0; number < count; number++) {
      tx.put<"order">({
        kind: "order",
        project: job.project,
        name: newId("o", clock, random),
        spec: { site, offer, orderedAt: at, askedBy: `job ${job.name}`, job: job.name },
        status: { phase: "ordered", since: at },
      });
    }
    decide(tx, job, {
      at,
      action: "buy",
      what: `ordered ${count} ${name} of ${site}`,
      why,
      ...(flip !== undefined && { flip }),
      subject: `${site} ${name}`,
    });
  }

  /** Takes a machine out of use; it is released when what it runs has ended. */
  #spare(name: string, machine: string, why: string[]): void {
    const { space, clock } = this.#parts;
    space.commit((tx) => {
      const job = tx.get("job", name);
      const record = tx.get("machine", machine);
      if (!job || !record || record.spec.cordoned) return;
      tx.put<"machine">({ ...record, spec: { ...record.spec, cordoned: true } });
      decide(tx, job, {
        at: clock.now(),
        action: "release",
        what: `takes ${machine} out of use`,
        why,
        subject: machine,
      });
    });
  }

  #stopSpending(job: JobRecord, soonMicros: number | undefined): void {
    const { space, clock, cancelJob } = this.#parts;
    const budget = ((job.spec.goal!.budgetMicros ?? 0) / 1e6).toFixed(4);
    const soon =
      soonMicros === undefined
        ? "something that has no known price"
        : (soonMicros / 1e6).toFixed(4);
    const reason = `its budget of ${budget} would have been crossed`;
    space.commit((tx) => {
      const newest = tx.get("job", job.name);
      if (!newest || hasJobEnded(newest)) return;
      cancelJob(tx, newest, reason, clock.now());
      decide(tx, newest, {
        at: clock.now(),
        action: "stop",
        what: "ended the job",
        why: [
          `within the time that giving machines back takes it would have spent ${soon}, and its budget is ${budget}`,
        ],
        flip: `with a larger budget: canopy retry ${job.name} goes on with what is missing`,
      });
    });
    this.#orders.release(openOrders(space, job.name), reason);
  }

  /** Machines whose job has ended, or that were taken out of use and are idle. */
  #releaseUnwanted(): void {
    const { space, field } = this.#parts;
    const running = new Map(field.machines().map((view) => [view.machine, view.running]));
    for (const order of space.all("order")) {
      const { job: name } = order.spec;
      if (name === undefined || order.status.phase === "releasing") continue;
      const job = space.get("job", name);
      if (!job || hasJobEnded(job)) this.#release(order, "its job has ended");
      else if (this.#isIdleAndSpare(order, running))
        this.#release(order, "the job does without it");
    }
    for (const name of this.#deadlinesMs.keys()) {
      const job = space.get("job", name);
      if (job && !hasJobEnded(job)) continue;
      this.#deadlinesMs.delete(name);
      this.#missed.delete(name);
    }
  }

  #release(order: OrderRecord, reason: string): void {
    this.#orders.release([order], reason);
  }

  #isIdleAndSpare({ status }: OrderRecord, running: ReadonlyMap<string, number>): boolean {
    if (status.machine === undefined) return false;
    const machine = this.#parts.space.get("machine", status.machine);
    return machine !== undefined && machine.spec.cordoned && (running.get(machine.name) ?? 0) === 0;
  }

  #leftMs(job: JobRecord): number | undefined {
    const { deadlineAt } = job.spec.goal!;
    if (deadlineAt === undefined) return undefined;
    const { clock } = this.#parts;
    let deadlineMs = this.#deadlinesMs.get(job.name);
    if (deadlineMs === undefined) {
      deadlineMs = clock.monotonicMs() + deadlineAt - clock.now();
      this.#deadlinesMs.set(job.name, deadlineMs);
    }
    return deadlineMs - clock.monotonicMs();
  }

  async #plannedOf(name: string): Promise<readonly PlannedWork[]> {
    let planned = this.#planned.get(name);
    if (!planned) {
      const [plan] = await this.#parts.space.find("plan", [name]);
      this.#planned.set(name, (planned = plan?.spec.work ?? []));
    }
    return planned;
  }
}
