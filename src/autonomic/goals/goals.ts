import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { SteadyClock } from "#/base/steady-clock.ts";
import { hasJobEnded, isPlanned, type JobRecord } from "#/model/job.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { jobOf } from "#/model/task.ts";
import { formatMicros } from "#/model/units.ts";
import type { Transaction } from "#/space/space.ts";
import type { CarbonZones, Powered } from "../carbon/zones.ts";
import { followWallClock } from "../clock-jumps.ts";
import { decide } from "../decide.ts";
import { keepGoal } from "../keep.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import type { KnownRules } from "../known-rules.ts";
import { Inventory, openOrders, type Field } from "../machines.ts";
import { followMarkets, historyOf } from "../markets.ts";
import { Orders, type OrderParts } from "../orders.ts";
import { forgetPlans } from "../proposals.ts";
import { Shifts } from "../shift.ts";
import { budgetAheadMs } from "../soon.ts";
import { cutBy, spentAtMost, type Running, type SpendingParts } from "../spending.ts";
import { noteTakenAway } from "../taken-away.ts";
import { act, type ActParts } from "./act.ts";
import { Memory } from "./memory.ts";
import { leftOf, situationOf, spendingOf } from "./standing.ts";

export interface GoalParts extends Omit<OrderParts, "onChange">, Pick<ActParts, "random"> {
  /** One that nobody sets: money is by the hour. */
  clock: SteadyClock;
  rules: KnownRules;
  field: Field & { leases(job?: string): Running[] };
  knowledge: Pick<Knowledge, "seen" | "offers" | "slownessOf" | "throttled">;
  zones: CarbonZones;
  /** Ends a job that may not go on. */
  cancelJob: (tx: Transaction, job: JobRecord, reason: string, now: number) => void;
  /** How often it looks: each second unless said. */
  everyMs?: number;
}

interface Seen {
  readonly atMs: number;
  readonly inventory: Inventory;
  /** By job. */
  readonly leases: ReadonlyMap<string, readonly Running[]>;
}

/**
 * The loop that keeps goals, and carries orders out. Monitor: the records, and what the scheduler knows of this
 * moment. Analyze and plan: `keepGoal`, a pure function. Execute: `act`, and orders, which `Orders` carries out.
 * Everything it knows is in the records, so that it goes on after a crash, and in another control plane.
 */
export function startGoals(parts: GoalParts, wallClock: Clock): Loop {
  const goals = new GoalLoop(parts, wallClock);
  return { wake: () => goals.wake(), stop: () => goals.stop() };
}

class GoalLoop {
  #parts: GoalParts;
  #wallClock: Clock;
  #orders: Orders;
  #shifts: Shifts;
  #loop: Loop;
  #rules: KnownRules;
  #memories = new Map<string, Memory>();
  #seen: Seen | undefined;
  /** Jobs that a turn had no time for. */
  #late: string[] = [];

  constructor(parts: GoalParts, wallClock: Clock) {
    this.#wallClock = wallClock;
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#orders = new Orders({ ...parts, onChange: () => this.#loop.wake() });
    const { clock, log, sites, everyMs = limits.goalLookMs } = parts;
    this.#shifts = new Shifts({ ...parts, wallClock, offers: () => sites.offers() });
    this.#loop = startLoop("goals", () => this.#turn(), { clock, log, everyMs });
    this.#loop.wake();
  }

  wake(): void {
    this.#loop.wake();
  }

  stop(): void {
    this.#orders.stop();
    this.#loop.stop();
  }

  async #turn(): Promise<void> {
    const { space, log, clock, knowledge, sites } = this.#parts;
    followWallClock(space, clock);
    followMarkets(space, knowledge.offers(sites.offers()), clock.now());
    const jobs = new Set(this.#late);
    for (const { name } of space.all("job")) jobs.add(name);
    this.#late = [];
    const untilMs = clock.monotonicMs() + limits.goalTurnMs;
    for (const name of jobs) {
      const job = space.get("job", name);
      if (!job?.spec.goal || hasJobEnded(job) || this.#mayRest(job)) continue;
      await this.#keep(job, untilMs).catch((thrown: unknown) => {
        log.error(`the goal of ${name} was not looked after`, { error: messageOf(thrown) });
      });
    }
    this.#seen = undefined;
    // Before one that has nothing to run is given back: why it has nothing is known by then.
    noteTakenAway(space, clock.now());
    this.#releaseUnwanted();
    forgetPlans(space, clock.now());
    this.#orders.look();
  }

  async #keep(job: JobRecord, untilMs: number): Promise<void> {
    const { space, clock, sites, zones, knowledge } = this.#parts;
    const goal = job.spec.goal!;
    const now = clock.now();
    const { inventory, leases } = this.#look();
    const running = this.#running(leases.get(job.name) ?? []);
    const spending = spendingOf(this.#parts, job, running, inventory.ordersOf(job.name));
    if (crossing(spending, now)) return this.#stopSpending(job);
    if (this.#isResting(job.name)) return;
    if (clock.monotonicMs() > untilMs) return void this.#late.push(job.name);
    const deadlineMs = this.#leftMs(job);
    // Nothing but a budget: nothing is bought for it that has to be looked after.
    if (deadlineMs === undefined && !isPlanned(job) && spending.orders.length === 0) return;
    const plan = await this.#planOf(job);
    const rules = await this.#rules.of(job.project);
    const at = { ...this.#parts, field: this.#look().inventory };
    const { demand, machines } = situationOf(at, spending, plan?.spec.work ?? [], now);
    const left = leftOf(spending, deadlineMs, now);
    const hasBought = spending.orders.length > 0;
    const situation = { job, demand, machines, leftMs: deadlineMs, left, hasBought, plan, rules };
    if (this.#shifts.keep(situation)) return;
    const wall = this.#wallClock.now();
    const withGrams = <T extends Powered>(one: T) =>
      zones.known(one, wall, wall + Math.min(deadlineMs ?? Infinity, limits.intensityHorizonMs));
    const offers = knowledge
      .offers(sites.offers())
      .filter(
        (offer) => rules.allowed(zones.known(offer, wall, wall), job.spec.title, now) === undefined,
      )
      .map(withGrams);
    const isComparable =
      machines.every(({ rates }) => rates.peakWatts > 0) &&
      offers.every((offer) => offer.gramsPerKwh !== undefined && offer.peakWatts !== undefined);
    const action = keepGoal({
      demand,
      goal: {
        // what cannot be told by CO2 is told by its price: the deadline stays
        ...left,
        objective: goal.objective === "carbon" && !isComparable ? "cost" : goal.objective,
      },
      machines: machines
        .map(withGrams)
        .map((one) => ({ ...one, gramsPerKwh: one.gramsPerKwh ?? 0 })), // works whatever is bought
      offers,
      now,
      markets: (offer) => historyOf(space, offer, now),
      plans: this.#memory(job.name).spot,
      mayExchange: this.#mayExchange(job.name),
    });
    act(this.#parts, job.name, action, rules, this.#memory(job.name));
    // A policy may give each of thousands of jobs a deadline: what has much time is looked at now and then.
    if (action.type === "none" && !isPlanned(job) && !hasBought)
      this.#memory(job.name).restsUntilMs =
        clock.monotonicMs() +
        Math.min(limits.goalFarMsMax, (deadlineMs ?? 0) * limits.goalFarShare);
  }

  /** What is looked at for all jobs of a turn is read once, and again when time has passed meanwhile. */
  #look(): Seen {
    const { space, field, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#seen && nowMs - this.#seen.atMs < limits.goalLookMs) return this.#seen;
    const leases = Map.groupBy(field.leases(), ({ task }) => jobOf(task));
    return (this.#seen = { atMs: nowMs, inventory: new Inventory(space, field), leases });
  }

  /** Of one with a budget it is looked each time at what it spends. */
  #mayRest({ name, spec }: JobRecord): boolean {
    return spec.goal!.budgetMicros === undefined && this.#isResting(name);
  }

  #isResting(job: string): boolean {
    const { restsUntilMs = 0 } = this.#memories.get(job) ?? {};
    return restsUntilMs > this.#parts.clock.monotonicMs();
  }

  #mayExchange(job: string): boolean {
    const memory = this.#memory(job);
    const nowMs = this.#parts.clock.monotonicMs();
    if (memory.exchangesFromMs > nowMs) return false;
    memory.exchangesFromMs = nowMs + limits.goalRestMs;
    return true;
  }

  #memory(job: string): Memory {
    let memory = this.#memories.get(job);
    if (!memory) this.#memories.set(job, (memory = new Memory()));
    return memory;
  }

  /** Tasks under way, with since when by the clock that nobody sets. */
  #running(leases: readonly Running[]): Running[] {
    const aheadMs = this.#parts.clock.now() - this.#wallClock.now();
    return leases.map((lease) => ({ ...lease, since: lease.since + aheadMs }));
  }

  /** Unless what was read a moment ago is not so any more: a task that has ended since would be counted twice. */
  #stopSpending(job: JobRecord): void {
    const { space, field, clock, cancelJob } = this.#parts;
    const budget = formatMicros(job.spec.goal!.budgetMicros ?? 0);
    const reason = `its budget of ${budget} would have been crossed`;
    const { value: isStopped } = space.commit((tx) => {
      const newest = tx.get("job", job.name);
      if (!newest || hasJobEnded(newest)) return false;
      const spending = spendingOf(this.#parts, newest, this.#running(field.leases(job.name)));
      const crossed = crossing(spending, clock.now());
      if (!crossed) return false;
      const soon =
        crossed.micros === undefined
          ? "something that has no known price"
          : formatMicros(crossed.micros);
      const status = { ...newest.status, ...cutBy(clock.now(), spending) };
      cancelJob(tx, tx.put<"job">({ ...newest, status }), reason, clock.now());
      decide(tx, newest, {
        at: clock.now(),
        action: "stop",
        what: "ended the job",
        why: [
          `within the time that giving machines back takes it would have spent ${soon}, and its budget is ${budget}`,
        ],
        flip: `with a larger budget: canopy retry ${job.name} --budget … goes on with what is missing`,
      });
      return true;
    });
    if (isStopped) this.#orders.release(openOrders(space, job.name), reason);
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
        this.#release(
          order,
          order.status.takenAt === undefined
            ? "the job does without it"
            : "its site takes it away, and nothing runs on it any more",
        );
    }
    for (const name of this.#memories.keys()) {
      const job = space.get("job", name);
      if (job && !hasJobEnded(job)) continue;
      this.#memories.delete(name);
      this.#shifts.forget(name);
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
    const memory = this.#memory(job.name);
    const nowMs = clock.monotonicMs();
    if (memory.deadline?.at !== deadlineAt)
      // a job that is tried again may have another
      memory.deadline = { at: deadlineAt, ms: nowMs + deadlineAt - this.#wallClock.now() };
    return memory.deadline.ms - nowMs;
  }

  async #planOf(job: JobRecord): Promise<PlanRecord | undefined> {
    const memory = this.#memory(job.name);
    if (memory.plan || !isPlanned(job)) return memory.plan;
    [memory.plan] = await this.#parts.space.find("plan", [job.spec.goal!.plan]);
    this.#seen = undefined; // that took a while
    return memory.plan;
  }
}

/** What a job will have cost by the time that all of it is given back, where that crosses its budget. */
function crossing(
  spending: SpendingParts,
  now: number,
): { readonly micros: number | undefined } | undefined {
  const { budgetMicros } = spending.job.spec.goal!;
  if (budgetMicros === undefined) return undefined;
  const micros = spentAtMost(now + budgetAheadMs, spending);
  return micros === undefined || micros >= budgetMicros ? { micros } : undefined;
}
