import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import { steadyClock, type SteadyClock } from "#/base/steady-clock.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { OrderRecord } from "#/model/order.ts";
import { hourMs } from "#/model/carbon-zone.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Autonomy } from "#/model/policy.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { followWallClock } from "./clock-jumps.ts";
import type { CarbonZones, Powered } from "./carbon/zones.ts";
import { decide } from "./decide.ts";
import { demandOfJob } from "./demand.ts";
import type { FleetField } from "./fleet/field.ts";
import { startFleet } from "./fleet/fleet.ts";
import { keepGoal, type Action } from "./keep.ts";
import type { Knowledge } from "./knowledge/follow.ts";
import { KnownRules } from "./known-rules.ts";
import { followMarkets, historyOf } from "./markets.ts";
import { machinesFor, openOrders, type Field } from "./machines.ts";
import { Orders, type OrderParts } from "./orders.ts";
import type { Proposal } from "./propose.ts";
import { proposeRelease, spareMachine, type Spare } from "./release.ts";
import { purchase, type PurchaseParts, type Reasons } from "./purchase.ts";
import type { Rules } from "./rules.ts";
import { Shifts } from "./shift.ts";
import { spentBy, type Running } from "./spending.ts";
import { SpotPlans } from "./wait-for-spot.ts";

export interface AutonomicParts extends Omit<OrderParts, "onChange"> {
  space: Space;
  clock: Clock;
  random: Random;
  log: Log;
  field: Field & FleetField & { leases(job?: string): Running[] };
  knowledge: Knowledge;
  zones: CarbonZones;
  /** Ends a job that may not go on. */
  cancelJob: (tx: Transaction, job: JobRecord, reason: string, now: number) => void;
}

/** Until a machine that is to be released costs nothing more, at most; the budget keeps so much back. */
const releaseMs = 5_000;
/** How clean power is within that counts for what is bought, and until the deadline at most. */
const horizonMs = 6 * hourMs;

/**
 * The loops that keep goals, and that look after machines that jobs share. Monitor: the records, and what
 * the scheduler knows of this moment. Analyze and plan: `keepGoal`, a pure function. Execute: orders, which `Orders` carries out. Everything it knows is in
 * the records, so that it goes on after a crash, and in another control plane.
 */
export function startAutonomic(parts: AutonomicParts): { stop(): void } {
  const clock = steadyClock(parts.clock);
  const rules = new KnownRules(parts.space);
  const goals = new GoalLoop({ ...parts, clock, rules }, parts.clock);
  const fleet = startFleet({ ...parts, clock, rules }, parts.clock);
  return {
    stop() {
      goals.stop();
      fleet.stop();
    },
  };
}

/** What is known of a job beside its records. */
class Memory {
  /** Until when it has time, on the monotonic clock: a wall clock that is set does not move it. */
  deadlineMs: number | undefined;
  /** What nothing could be done about is thought about again then, on the monotonic clock. */
  restsUntilMs = 0;
  /** Whether others would be cheaper is asked again then; for a while after an exchange it is not. */
  exchangesFromMs = 0;
  /** Since when nothing could keep its deadline. */
  missedSinceMs: number | undefined;
  /** What was said last, so that it is not said again and again. */
  said: string | undefined;
  /** What its plan expects, once it was looked up. */
  plan: PlanRecord | undefined;
  readonly spot = new SpotPlans();
}

class GoalLoop {
  /** With a clock that nobody sets: money is by the hour. */
  #parts: Omit<AutonomicParts, "clock"> & { clock: SteadyClock };
  #wallClock: Clock;
  #orders: Orders;
  #shifts: Shifts;
  #loop: Loop;
  #rules: KnownRules;
  #memories = new Map<string, Memory>();

  constructor(parts: AutonomicParts & { clock: SteadyClock; rules: KnownRules }, wallClock: Clock) {
    this.#wallClock = wallClock;
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#orders = new Orders({ ...parts, onChange: () => this.#loop.wake() });
    const { clock, log, sites } = parts;
    this.#shifts = new Shifts({ ...parts, wallClock, offers: () => sites.offers() });
    this.#loop = startLoop("goals", () => this.#turn(), { clock, log, everyMs: limits.goalLookMs });
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
    for (const job of space.all("job")) {
      if (!job.spec.goal || hasJobEnded(job)) continue;
      await this.#keep(job).catch((thrown: unknown) => {
        log.error(`the goal of ${job.name} was not looked after`, { error: messageOf(thrown) });
      });
    }
    this.#releaseUnwanted();
    this.#orders.look();
  }

  async #keep(job: JobRecord): Promise<void> {
    const { space, field, clock, sites, zones, knowledge } = this.#parts;
    const goal = job.spec.goal!;
    const now = clock.now();
    const steps = [...space.list("step", job.name)];
    const parts = {
      job,
      steps,
      running: this.#running(job.name),
      orders: openOrders(space, job.name),
      machine: (name: string) => space.get("machine", name),
    };
    const spent = spentBy(now, parts);
    const { budgetMicros } = goal;
    if (budgetMicros !== undefined) {
      const soon = spentBy(now + releaseMs + 2 * limits.goalLookMs, parts);
      if (soon === undefined || soon >= budgetMicros) return this.#stopSpending(job, soon);
    }
    if (this.#memory(job.name).restsUntilMs > clock.monotonicMs()) return;
    const deadlineMs = this.#leftMs(job);
    const plan = await this.#planOf(job);
    const rules = await this.#rules.of(job.project);
    const demand = demandOfJob(job.name, {
      steps,
      planned: plan?.spec.work ?? [],
      seen: knowledge.seen(job.project),
      underWay: parts.running
        .filter(({ isSecond }) => !isSecond)
        .map(({ task, since }) => ({
          task,
          ranMs: Math.max(0, now - since),
        })),
      isOpen: job.status.open,
      order: goal.order,
    });
    const machines = machinesFor(space, field, knowledge, job, now);
    const hasBought = parts.orders.length > 0;
    const situation = { job, demand, machines, leftMs: deadlineMs, hasBought, plan, rules };
    if (this.#shifts.keep(situation)) return;
    const wall = this.#wallClock.now();
    const withGrams = <T extends Powered>(one: T) =>
      zones.known(one, wall, wall + Math.min(deadlineMs ?? Infinity, horizonMs));
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
        objective: goal.objective === "carbon" && !isComparable ? "cost" : goal.objective,
        ...(deadlineMs !== undefined && { deadlineMs: Math.max(1, deadlineMs) }),
        ...(budgetMicros !== undefined && { budgetMicros: budgetMicros - (spent ?? 0) }),
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
    this.#act(job.name, action, rules);
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
  #running(job: string): Running[] {
    const aheadMs = this.#parts.clock.now() - this.#wallClock.now();
    return this.#parts.field
      .leases(job)
      .map((lease) => ({ ...lease, since: lease.since + aheadMs }));
  }

  /** Does what the policy lets Canopy do by itself, and says what it does not let it do. */
  #act(name: string, action: Action, rules: Rules): void {
    const memory = this.#memory(name);
    if (action.type !== "miss") memory.missedSinceMs = undefined;
    if (action.type === "none") return void (memory.said = undefined);
    if (action.type === "wait") return this.#wait(name, action);
    if (action.type === "exchange") return this.#exchange(name, action, rules.level("buy"));
    const level = rules.level(action.type === "spare" ? "release" : "buy");
    if (action.type === "spare") return this.#spare(name, action, level);
    const { why } = action;
    const isMiss = action.type === "miss";
    if (isMiss && action.parts.length === 0 && !this.#isLasting(name)) return;
    const isNew = this.#isNew(name, `${action.type} ${level} ${isMiss ? why.at(1) : ""}`);
    const buys = level === "act" ? action.parts : [];
    if (buys.length === 0)
      memory.restsUntilMs = this.#parts.clock.monotonicMs() + limits.goalRestMs;
    if (buys.length === 0 && !isNew) return;
    this.#commit(name, (tx, job) => {
      const at = this.#parts.clock.now();
      if (action.type === "miss" && isNew)
        decide(tx, job, {
          at,
          action: "warn",
          what: "will not keep the deadline",
          why,
          flip: action.flip,
        });
      for (const part of buys) purchase(tx, job, part, reasonsOf(action), this.#purchaseParts());
      if (!isNew || level === "act" || level === "manual") return;
      if (level === "approve" && action.proposal) this.#proposeChange(tx, job, action.proposal);
      const wish = action.parts.map(({ site, offer, count }) => `${count} ${offer} of ${site}`);
      const what =
        level === "observe" || wish.length === 0
          ? "needs more than is there"
          : `would order ${wish.join(" and ")}`;
      const flip = `with autonomy.buy: act in its policy that would have been ${level === "approve" ? "done at once" : "done"}`;
      decide(tx, job, { at, action: "hold", what, why, flip });
    });
  }

  /** Orders cheaper machines; those in whose place they come are released once the others do. */
  #exchange(
    name: string,
    { parts, why, flip }: Extract<Action, { type: "exchange" }>,
    level: Autonomy,
  ): void {
    const { clock } = this.#parts;
    this.#memory(name).exchangesFromMs = clock.monotonicMs() + limits.exchangeRestMs;
    if (level === "manual") return;
    if (level === "act")
      return this.#commit(name, (tx, job) => {
        for (const part of parts) purchase(tx, job, part, { why, flip }, this.#purchaseParts());
      });
    if (!this.#isNew(name, "exchange")) return;
    const wish = parts.map(({ site, offer, count }) => `${count} ${offer} of ${site}`);
    const what = level === "observe" ? "could be cheaper" : `would order ${wish.join(" and ")}`;
    this.#commit(name, (tx, job) =>
      decide(tx, job, { at: clock.now(), action: "hold", what, why, flip }),
    );
  }

  /** Orders nothing yet, says so once, and thinks about it again soon. */
  #wait(name: string, { why, flip }: Extract<Action, { type: "wait" }>): void {
    const { clock } = this.#parts;
    this.#memory(name).restsUntilMs = clock.monotonicMs() + limits.goalRestMs;
    if (!this.#isNew(name, "wait")) return;
    const what = "waits for spot machines";
    this.#commit(name, (tx, job) =>
      decide(tx, job, { at: clock.now(), action: "hold", what, why, flip }),
    );
  }

  /** Whether nothing could keep the job's deadline for a while: what sites offer is known a little late. */
  #isLasting(name: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const sinceMs = (this.#memory(name).missedSinceMs ??= nowMs);
    return nowMs - sinceMs >= limits.siteLookMs + limits.goalLookMs;
  }

  /** Whether that is said of the job for the first time since something else was. */
  #isNew(name: string, said: string): boolean {
    const memory = this.#memory(name);
    const isNew = memory.said !== said;
    memory.said = said;
    return isNew;
  }

  #commit(name: string, action: (tx: Transaction, job: JobRecord) => void): void {
    this.#parts.space.commit((tx) => {
      const job = tx.get("job", name);
      if (job && !hasJobEnded(job)) action(tx, job);
    });
  }

  #purchaseParts(): PurchaseParts {
    const { sites, clock, random } = this.#parts;
    return { offers: sites.offers(), clock, random };
  }

  /** A plan for a job that runs; what it says is bought when somebody approves it. */
  #proposeChange(tx: Transaction, job: JobRecord, proposal: Proposal): void {
    const { clock, random, space } = this.#parts;
    const before = space.get("plan", job.spec.goal!.plan)?.spec;
    const { goal } = job.spec;
    tx.put<"plan">({
      kind: "plan",
      project: job.project,
      name: newId("p", clock, random),
      spec: {
        title: job.spec.title,
        madeBy: "canopy",
        madeAt: clock.now(),
        request: "",
        goal: { objective: goal!.objective },
        work: before?.work ?? [],
        chainMs: 0,
        ...proposal,
      },
      status: { phase: "proposed", job: job.name },
    });
  }

  /** Takes a machine out of use; it is released when what it runs has ended. */
  #spare(name: string, spare: Spare, level: Autonomy): void {
    const { clock, random } = this.#parts;
    const { machine, why } = spare;
    if (level === "act")
      return this.#commit(name, (tx, job) => spareMachine(tx, job, spare, clock.now()));
    if (level === "manual" || !this.#isNew(name, `spare ${machine} ${level}`)) return;
    const flip = "with autonomy.release: act in its policy that would have been done";
    this.#commit(name, (tx, job) => {
      const plan = level === "approve" ? proposeRelease(tx, job, spare, { clock, random }) : "";
      const would = `would do without ${machine}`;
      const what = {
        observe: "has more than it needs",
        advise: would,
        approve: `${would}: the plan ${plan} waits for canopy approve`,
      }[level];
      const at = clock.now();
      decide(tx, job, { at, action: "hold", what, why, flip, subject: machine });
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
    memory.deadlineMs ??= clock.monotonicMs() + deadlineAt - this.#wallClock.now();
    return memory.deadlineMs - clock.monotonicMs();
  }

  async #planOf({ name, spec }: JobRecord): Promise<PlanRecord | undefined> {
    const memory = this.#memory(name);
    if (!memory.plan) [memory.plan] = await this.#parts.space.find("plan", [spec.goal!.plan]);
    return memory.plan;
  }
}

function reasonsOf(action: Extract<Action, { type: "buy" | "miss" }>): Reasons {
  const { why, flip, proposal } = action;
  return {
    why,
    ...(flip !== undefined && { flip }),
    ...(proposal && { considered: proposal.considered }),
  };
}
