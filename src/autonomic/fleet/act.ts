import { limits } from "#/base/limits.ts";
import type { Considered, Objective, PlannedRelease, PlanRecord } from "#/model/plan.ts";
import type { OrderRecord } from "#/model/order.ts";
import { fleetName } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import type { ActParts } from "../goals/act.ts";
import { leaveFor, type Leave } from "../levels.ts";
import { cordon, giveBack } from "../orders.ts";
import { propose, withdrawProposal } from "../proposals.ts";
import {
  purchase,
  purchasesOf,
  wishedFor,
  type Purchase,
  type PurchaseParts,
} from "../purchase.ts";
import type { Rules } from "../rules.ts";
import { hourlyMax } from "./bill.ts";
import type { Growth } from "./grow.ts";
import type { FleetMemory } from "./memory.ts";
import type { Change } from "./shrink.ts";

const policy = "the project's policy";

/** Does what the policy lets Canopy do by itself for a project's shared machines, and says or proposes the rest. */
export class FleetActs {
  #parts: ActParts;
  #project: string;
  #rules: Rules;
  #memory: FleetMemory;
  #objective: Objective;
  /** What waits for somebody: it is one plan. */
  #buys: { parts: readonly Purchase[]; why: readonly string[]; says: Says } | undefined;
  #gives: { change: Change; says: Says }[] = [];

  constructor(
    parts: ActParts,
    project: string,
    rules: Rules,
    memory: FleetMemory,
    objective: Objective,
  ) {
    this.#parts = parts;
    this.#project = project;
    this.#rules = rules;
    this.#memory = memory;
    this.#objective = objective;
  }

  grow(growth: Growth): void {
    const memory = this.#memory;
    if (growth.type === "enough") return void memory.isNew("grow", "");
    const { why, flip } = growth;
    const parts = growth.type === "buy" ? growth.parts : [];
    const would = parts.length === 0 ? undefined : `would order ${wishedFor(parts)}`;
    const level = this.#rules.level("buy");
    const sees = "needs more machines than are there";
    const leave = leaveFor(level, { action: "buy", would, sees, policy });
    const offers = parts.map(({ site, offer }) => `${site} ${offer}`).join();
    const isNew = memory.isNew(
      "grow",
      `${level} ${growth.type} ${offers || unnumbered(why.at(-1)!)}`,
    );
    if (leave.isDone && parts.length > 0) {
      const { space, sites, clock, random } = this.#parts;
      const payer = { ...this.#about, isFleet: true };
      const reasons = { why, ...(flip !== undefined && { flip }) };
      space.commit((tx) => {
        // by a policy that wanted it approved it may wait still, and would be done twice
        withdrawProposal(tx, { project: this.#project }, this.#parts);
        for (const part of parts)
          purchase(tx, payer, part, reasons, { offers: sites.offers(), clock, random });
      });
      return;
    }
    if (leave.isProposed) return void (this.#buys = { parts, why, says: leave.says! });
    // That nothing can be done is said at every level but "manual".
    const says = leave.says ?? { what: sees };
    if (!isNew || level === "manual") return;
    const turned =
      parts.length > 0 ? says : { what: says.what, ...(flip !== undefined && { flip }) };
    this.#say(turned, why);
  }

  /** What was begun with somebody's leave is ended without asking again. */
  change(change: Change): void {
    const { type, machine, why } = change;
    const level = this.#rules.level("release");
    const leave = leaveFor(level, {
      action: "release",
      would: `would do without ${machine}`,
      sees: "has more than it needs",
      policy,
    });
    const { isBegun = false } = change;
    if (leave.isDone || isBegun || type === "keep") return this.#carryOut(change);
    const isNew = this.#memory.isNew(machine, `${type} ${level}`);
    if (leave.isProposed) this.#gives.push({ change, says: leave.says! });
    else if (isNew && leave.says) this.#say(leave.says, why, machine);
  }

  /**
   * Proposes what is wished for and may not be done, once; what is not wished for any more is withdrawn after a
   * while.
   */
  propose(): void {
    const memory = this.#memory;
    const { space, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const asker = { project: this.#project };
    if (!this.#buys && this.#gives.length === 0) {
      const sinceMs = (memory.unwishedSinceMs ??= nowMs);
      if (sinceMs > nowMs || nowMs - sinceMs < limits.fleetProposalRestMs) return;
      memory.unwishedSinceMs = Infinity;
      space.commit((tx) => withdrawProposal(tx, asker, this.#parts));
      return;
    }
    memory.unwishedSinceMs = undefined;
    if (nowMs < memory.proposesFromMs) return;
    memory.proposesFromMs = nowMs + limits.goalRestMs;
    const { parts = [], why = [] } = this.#buys ?? {};
    const gives = this.#gives.map(({ change: { order, machine, why: of } }): PlannedRelease => ({
      order,
      machine,
      why: of,
    }));
    const reasons = [
      ...why,
      ...gives.flatMap(({ machine, why: of }) => `${machine}: ${of.join("; ")}`),
    ];
    const says = [...(this.#buys ? [this.#buys.says] : []), ...this.#gives.map((one) => one.says)];
    space.commit((tx) => {
      const plan = propose(tx, asker, this.#planned(parts, gives, reasons), this.#parts);
      if (plan === undefined) return;
      const wishes = says.map(({ what }) => what).join(", and ");
      const what = `${wishes}: the plan ${plan} waits for canopy approve`;
      const { flip } = says[0]!;
      decide(tx, this.#about, {
        at: clock.now(),
        action: "hold",
        what,
        why: reasons,
        ...(flip !== undefined && { flip }),
      });
    });
  }

  #planned(
    parts: readonly Purchase[],
    gives: readonly PlannedRelease[],
    why: readonly string[],
  ): Parameters<typeof propose>[2] {
    const lines = parts.flatMap(({ site, offer: name, count }) => {
      const offer = this.#parts.sites
        .offers()
        .find((one) => one.site === site && one.name === name);
      return offer ? [{ offer, line: consideredOf(offer, count) }] : [];
    });
    const perHour = lines.reduce(
      (sum, { offer, line }) => sum + line.count * (hourlyMax(offer) ?? 0),
      0,
    );
    return {
      title: this.#about.name,
      goal: { objective: this.#objective },
      work: [],
      chainMs: 0,
      considered: lines.map(({ line }) => line),
      fleet: { why, gives },
      predicted: {
        finishMs: { likely: 0, high: 0 },
        // of one hour
        costMicros: { likely: perHour, high: perHour },
        joules: undefined,
        grams: undefined,
      },
      bound: 0,
    };
  }

  #carryOut(change: Change): void {
    const { space, clock } = this.#parts;
    space.commit((tx) => carryOut(tx, this.#about, change, clock.now()));
  }

  #say({ what, flip }: Says, why: readonly string[], subject?: string): void {
    const { space, clock } = this.#parts;
    const more = { ...(flip !== undefined && { flip }), ...(subject !== undefined && { subject }) };
    space.commit((tx) =>
      decide(tx, this.#about, { at: clock.now(), action: "hold", what, why, ...more }),
    );
  }

  get #about(): { name: string; project: string } {
    return { name: fleetName(this.#project), project: this.#project };
  }
}

type Says = Partial<NonNullable<Leave["says"]>> & { readonly what: string };

/** Numbers alone are nothing new. */
function unnumbered(sentence: string): string {
  return sentence.replaceAll(/\d+/g, "");
}

const done = {
  release: "gave back",
  drain: "takes out of use",
  keep: "keeps after all",
} as const;

function carryOut(
  tx: Transaction,
  about: { name: string; project: string },
  { type, order: name, machine, why, flip }: Omit<Change, "why"> & { why: readonly string[] },
  at: number,
): void {
  const order = tx.get("order", name);
  if (!order || order.status.phase !== "joined") return;
  if (type === "release") giveBack(tx, name, why[0]!, at, { spared: true });
  else drain(tx, order, type === "drain", at);
  const action = type === "keep" ? "hold" : "release";
  const more = { why, subject: machine, ...(flip !== undefined && { flip }) };
  decide(tx, about, { at, action, what: `${done[type]} ${machine}`, ...more });
}

function drain(tx: Transaction, order: OrderRecord, isDraining: boolean, at: number): void {
  const { status } = order;
  const { drainsSince: _, ...rest } = status;
  const kept = { ...rest, takenBack: (status.takenBack ?? 0) + 1 };
  tx.put<"order">({ ...order, status: isDraining ? { ...status, drainsSince: at } : kept });
  cordon(tx, status.machine, isDraining);
}

/**
 * Does what an approved plan says about a project's shared machines: what runs on those that it does without ends
 * first.
 */
export function carryOutFleet(tx: Transaction, plan: PlanRecord, parts: PurchaseParts): void {
  const { project, name, spec, status } = plan;
  const approved = `its plan ${name} says so, which ${status.decidedBy} approved`;
  const payer = { name: fleetName(project), project, isFleet: true };
  const { why, gives } = spec.fleet!;
  const reasons = { why: [approved, ...why] };
  for (const part of purchasesOf(spec.considered)) purchase(tx, payer, part, reasons, parts);
  const at = parts.clock.now();
  for (const one of gives)
    carryOut(tx, payer, { ...one, type: "drain", why: [approved, ...one.why] }, at);
}

function consideredOf(offer: Offer, count: number): Considered {
  const { site, name, market, zone, microsPerHour, countMax, peakWatts, pue = 1, bootMs } = offer;
  return {
    site,
    offer: name,
    market,
    zone,
    isPresent: false,
    countMax,
    slots: 0,
    microsPerHour,
    watts: peakWatts === undefined ? undefined : peakWatts * pue,
    bootMs: bootMs?.p90,
    count,
  };
}
