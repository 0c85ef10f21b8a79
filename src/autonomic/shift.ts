import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { JobHold, JobRecord } from "#/model/job.ts";
import type { Goal, PlanRecord } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { planMix } from "#/planning/mix/mix.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { loadsOf } from "./carbon/loads.ts";
import { isPausable } from "./carbon/propose-when.ts";
import { tellHold } from "./carbon/begin.ts";
import {
  byItsPlan,
  flipOf,
  instantOf,
  reasonOf,
  whyWait,
  type Reason,
} from "./carbon/sentences.ts";
import { decideWhen, type Waiting, type When } from "./carbon/when.ts";
import type { CarbonZones } from "./carbon/zones.ts";
import { decide } from "./decide.ts";
import { leaveFor } from "./levels.ts";
import type { Demand } from "./step-demand.ts";
import { candidatesOf, type PresentMachine } from "./machine-types.ts";
import { problemOf } from "./propose.ts";
import { heldPurchases } from "./held-purchases.ts";
import { purchase, type PurchaseParts } from "./purchase.ts";
import type { Rules } from "./rules.ts";

export interface ShiftParts {
  space: Space;
  /** Clock that nobody sets, for how long; and the wall clock, by which power is known to be clean. */
  clock: Clock;
  wallClock: Pick<Clock, "now">;
  random: Random;
  zones: CarbonZones;
  offers: () => readonly Offer[];
}

/** What is known of a job with a goal. */
export interface ShiftSituation {
  readonly job: JobRecord;
  readonly demand: Demand;
  readonly machines: readonly PresentMachine[];
  /** Until its deadline; undefined where it has none. */
  readonly leftMs: number | undefined;
  /** What is left of its goal. */
  readonly left: Goal;
  /** Machines were bought for it. */
  readonly hasBought: boolean;
  readonly plan: PlanRecord | undefined;
  readonly rules: Rules;
}

/**
 * Lets jobs with the objective carbon wait for cleaner power, and lets them go on in time. That a job waits
 * is in its record, so that a control plane that takes over goes on with it; until when is decided anew with
 * each hour and each forecast, and the deadline is counted by a clock that nobody sets.
 */
export class Shifts {
  #parts: ShiftParts;
  /** When a job is looked at again, on the monotonic clock, and what was known of intensities then. */
  #looked = new Map<string, { nextMs: number; zones: string }>();
  #said = new Set<string>();
  #settledMs: number;

  constructor(parts: ShiftParts) {
    this.#parts = parts;
    this.#settledMs = parts.clock.monotonicMs() + limits.shiftSettleMs;
  }

  forget(job: string): void {
    this.#looked.delete(job);
    this.#said.delete(job);
  }

  /** True while the job waits, and when it is let go just now: nothing else is bought for it meanwhile. */
  keep(situation: ShiftSituation): boolean {
    const { job, leftMs, rules } = situation;
    const { held } = job.status;
    if (job.spec.goal!.objective !== "carbon" || leftMs === undefined) return false;
    const level = rules.level("shift");
    if (held && level !== "act" && level !== "approve")
      return this.#free(situation, {
        why: `its policy lets nothing wait by itself: autonomy.shift is ${level}`,
        flip: "with autonomy.shift: act in its policy it would have waited on",
      });
    if (level === "manual" || (level === "approve" && !held)) return false;
    if (!this.#isDue(job.name)) return held !== undefined;
    const isSettling = this.#parts.clock.monotonicMs() < this.#settledMs;
    const waiting = isSettling && held ? undefined : this.#waitingOf(situation, leftMs);
    // a machine that is away may come back, and one that has to be bought needs its time
    if (!waiting && held && leftMs > held.workMs * 1.1 + limits.bootMsMax) return true;
    if (!waiting)
      return this.#free(situation, {
        why: "nothing that is there can run what is left",
        flip: "with a machine there that can, it would have waited on",
      });
    const when = decideWhen(waiting);
    const untilMs = when.run ? Infinity : when.until - waiting.now;
    this.#looked.set(job.name, {
      nextMs: this.#parts.clock.monotonicMs() + Math.min(when.partMs, limits.shiftLookMs, untilMs),
      zones: this.#zonesNow(),
    });
    if (level === "approve") return this.#byPlan(situation, when);
    if (level !== "act") return this.#advise(situation, waiting, when);
    if (when.run) return this.#free(situation, reasonOf(when));
    this.#hold(situation, waiting, when);
    return true;
  }

  #isDue(job: string): boolean {
    const looked = this.#looked.get(job);
    if (!looked || looked.nextMs <= this.#parts.clock.monotonicMs()) return true;
    return looked.zones !== this.#zonesNow();
  }

  /** Differs when more is known of intensities. */
  #zonesNow(): string {
    let word = "";
    for (const { name, revision } of this.#parts.space.list("carbon-zone"))
      word += `${name} ${revision},`;
    return word;
  }

  #waitingOf(
    { job, demand, machines, hasBought, plan }: ShiftSituation,
    leftMs: number,
  ): Waiting | undefined {
    const { zones, wallClock } = this.#parts;
    const { held } = job.status;
    const buys = held?.buys ?? [];
    const usable = candidatesOf(demand.kinds, machines, []).filter(({ type }) => type);
    const taken = usable.map(({ considered }) => ({ ...considered, count: considered.countMax }));
    const isWhole = hasBought || buys.length > 0 || !isPausable(demand.kinds);
    const planned = buys.length > 0 ? plan?.spec.shift?.workMs.high : undefined;
    const workMs = planned ?? presentMs(demand, machines);
    if (workMs === undefined) return undefined;
    const bought = buys.map(({ offer, count }) => ({
      site: offer.site,
      offer: offer.name,
      isPresent: false,
      count,
    }));
    return {
      now: wallClock.now(),
      leftMs,
      workMs,
      loads: loadsOf(
        [...taken, ...bought],
        machines,
        buys.map(({ offer }) => offer),
        zones,
      ),
      isRunning: !held,
      isWhole,
    };
  }

  /** What its plan says and somebody has approved: nothing is moved. */
  #byPlan(situation: ShiftSituation, when: When): boolean {
    const isTime = this.#parts.wallClock.now() >= situation.job.status.held!.until;
    if (!isTime && when.reason !== "no-slack") return true;
    return this.#free(situation, isTime ? byItsPlan : reasonOf(when));
  }

  #advise({ job, leftMs, rules }: ShiftSituation, waiting: Waiting, when: When): boolean {
    if (when.run || !waiting.loads || this.#said.has(job.name)) return false;
    this.#said.add(job.name);
    const { says } = leaveFor(rules.level("shift"), {
      action: "shift",
      would: `would let it wait until ${instantOf(when.until)}`,
      sees: "sees that power will be cleaner",
    });
    if (!says) return false;
    const why = whyWait(when, { loads: waiting.loads, leftMs: leftMs!, now: waiting.now });
    this.#commit(job.name, (tx, newest) =>
      decide(tx, newest, {
        at: this.#parts.clock.now(),
        action: "hold",
        why,
        ...says,
      }),
    );
    return false;
  }

  #hold({ job, leftMs }: ShiftSituation, waiting: Waiting, when: When): void {
    const { held } = job.status;
    const movedMs = held ? Math.abs(held.until - when.until) : Infinity;
    if (movedMs < limits.shiftMovedMsMin) return;
    const { clock } = this.#parts;
    const hold: JobHold = {
      since: held?.since ?? clock.now(),
      until: when.until,
      savingShare: when.savingShare,
      workMs: waiting.workMs,
      why: whyWait(when, { loads: waiting.loads!, leftMs: leftMs!, now: waiting.now }),
      flip: flipOf(when),
      ...(held?.buys && { buys: held.buys }),
    };
    this.#commit(job.name, (tx, newest) => {
      tx.put<"job">({ ...newest, status: { ...newest.status, held: hold } });
      if (movedMs >= limits.shiftToldMsMin)
        tellHold(tx, newest, hold, clock.now(), held ? "moved" : "waits");
    });
  }

  /** Lets it go on, and buys what its plan wants bought by then. True where it was let go just now. */
  #free({ job, plan, rules, left }: ShiftSituation, { why: reason, flip }: Reason): boolean {
    if (!job.status.held) return false;
    const { clock, random, zones, wallClock } = this.#parts;
    const now = clock.now();
    const wall = wallClock.now();
    const parts: PurchaseParts = { offers: this.#parts.offers(), clock, random };
    this.#commit(job.name, (tx, newest) => {
      const { held, ...status } = newest.status;
      if (!held) return;
      const free = tx.put<"job">({ ...newest, status });
      const { parts: bought, without } = heldPurchases(held, {
        offers: parts.offers,
        allowed: (offer) => rules.allowed(zones.known(offer, wall, wall), job.spec.title, now),
        left,
      });
      const why = [reason, ...without];
      decide(tx, free, { at: now, action: "shift", what: "let it go on", why, flip });
      const ofPlan = plan ? [`its plan ${plan.name} says so, now that it goes on`] : [reason];
      for (const part of bought) purchase(tx, free, part, { why: ofPlan }, parts);
    });
    return true;
  }

  #commit(name: string, action: (tx: Transaction, job: JobRecord) => void): void {
    this.#parts.space.commit((tx) => {
      const job = tx.get("job", name);
      if (job?.status.phase === "running") action(tx, job);
    });
  }
}

/** What the machines that are there need for all that is left, as much as it may well be. */
function presentMs(demand: Demand, machines: readonly PresentMachine[]): number | undefined {
  const candidates = candidatesOf(demand.kinds, machines, []);
  const mix = planMix(problemOf(demand, { objective: "time" }, candidates));
  return "counts" in mix ? mix.predicted.finishMs.high : undefined;
}
