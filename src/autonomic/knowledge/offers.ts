import { limits } from "#/base/limits.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { BootTime, Offer } from "#/model/site.ts";
import { briefDuration, hourMs } from "#/model/units.ts";
import { bootTimeOf, type BootsSeen } from "./boot-times.ts";
import { expectedOf, rateOf, type Rate } from "./interruptions.ts";

/** Orders that are remembered: the last ones. */
const kept = 5_000;
const togetherMs = 5_000;

/** What was learned of an offer, beside what its site says. */
export interface Learned {
  readonly boot: BootTime & {
    /** Machines that joined, and that did not although they had been made. */
    readonly joined: number;
    readonly never: number;
  };
  readonly interruptions: Rate & { readonly hours: number; readonly taken: number };
  /** So often it was asked for, and so often the site gave none. */
  readonly asked: number;
  readonly refused: number;
  /** Why it is not asked for now. */
  readonly rests?: string;
}

/** What became of one order, as far as it tells of its offer. */
interface Course {
  readonly name: string;
  readonly offer: Offer;
  readonly orderedAt: number;
  /** The site made a machine. */
  readonly isMade: boolean;
  readonly isEnded: boolean;
  /** The site gave none. */
  readonly isRefused: boolean;
  readonly joinedAt: number | undefined;
  /** Since when it is as it is now. */
  readonly since: number;
  /** Its site ended it. */
  readonly isTaken: boolean;
}

/** What is known of offers from what became of orders: a fold over them, so that a start reads it back. */
export class OfferKnowledge {
  /** By their names, which are in the order of time. */
  #courses = new Map<string, Course>();
  /** What a site has answered of late that no record keeps: it is asked too often, or does not answer. */
  #throttled = new Map<string, { at: number; until: number; reason: string }>();
  #sums: { at: number; version: number; offers: Map<string, Sum>; zones: Map<string, Zone> } = {
    at: -Infinity,
    version: -1,
    offers: new Map(),
    zones: new Map(),
  };
  #version = 0;

  /** An order is as it is now, or was when it was archived. */
  saw(order: OrderRecord): void {
    this.#version++;
    const isNew = !this.#courses.has(order.name);
    this.#courses.set(order.name, courseOf(order));
    if (!isNew || this.#courses.size <= kept) return;
    const [oldest] = this.#courses.keys();
    this.#courses.delete(oldest!);
  }

  /** Puts orders from before this start before those that came since. */
  recall(earlier: readonly OrderRecord[]): void {
    const since = this.#courses;
    this.#courses = new Map();
    for (const order of earlier) if (!since.has(order.name)) this.saw(order);
    for (const [name, course] of since) this.#courses.set(name, course);
  }

  /** A site did not carry out an order, and may later. */
  throttled({ spec }: OrderRecord, reason: string, at: number, afterMs: number): void {
    this.#throttled.set(spec.site, { at, until: at + afterMs, reason });
  }

  /** What was learned of an offer; undefined where nothing was. */
  of(offer: Offer, now: number): Learned | undefined {
    const { offers, zones } = this.#summed(now);
    const own = offers.get(keyOf(offer));
    const zone = offer.market === "spot" ? zones.get(zoneOf(offer)) : undefined;
    const rests = this.#restOf(offer, own, now);
    if (!own && !zone && rests === undefined) return undefined;
    const sum = own ?? new Sum();
    const { boots, hours, taken } = sum;
    // What its own machines showed counts by itself.
    const others = zone && {
      expected: Math.max(0, zone.expected - expectedOf(hours, offer.interruptionsPerHour)),
      taken: zone.taken - taken,
    };
    return {
      boot: {
        ...bootTimeOf(boots, offer.bootMs),
        joined: boots.joinedMs.length,
        never: sum.never,
      },
      interruptions: { ...rateOf(sum, offer.interruptionsPerHour, others), hours, taken },
      asked: sum.asked,
      refused: sum.refused,
      ...(rests !== undefined && { rests }),
    };
  }

  /** The offer as it is to be planned with: what was learned of it instead of what its site says, where something was. */
  known<O extends Offer>(offer: O, now: number): O & { rests?: string } {
    const learned = this.of(offer, now);
    if (!learned) return offer;
    const { boot, interruptions, rests } = learned;
    const isBootSeen = boot.joined + boot.never > 0;
    const isSpot = offer.market === "spot" || interruptions.perHour > 0;
    return {
      ...offer,
      ...(isBootSeen && { bootMs: { median: boot.median, p90: boot.p90 } }),
      ...(isSpot && { interruptionsPerHour: interruptions.perHour }),
      ...(rests !== undefined && { rests }),
    };
  }

  /** One that gave none is asked again later: each time that it gives none again, after twice as long. */
  #restOf({ site }: Offer, sum: Sum | undefined, now: number): string | undefined {
    const throttled = this.#throttled.get(site);
    if (throttled && throttled.until > now && throttled.at <= now)
      return `its site answered ${briefDuration(now - throttled.at)} ago: ${throttled.reason}`;
    if (!sum || sum.refusedInRow === 0) return undefined;
    const restMs = Math.min(
      limits.offerRestMsMax,
      limits.offerRestMsMin * 2 ** (sum.refusedInRow - 1),
    );
    const leftMs = sum.refusedAt + restMs - now;
    if (leftMs <= 0 || leftMs > restMs) return undefined;
    return `its site gave none ${briefDuration(now - sum.refusedAt)} ago; it is asked again in ${briefDuration(leftMs)}`;
  }

  #summed(now: number) {
    const sums = this.#sums;
    const isFresh = sums.version === this.#version && Math.abs(now - sums.at) < limits.offerLookMs;
    if (isFresh) return sums;
    const offers = new Map<string, Sum>();
    const zones = new Map<string, Zone>();
    for (const course of this.#courses.values()) {
      const key = keyOf(course.offer);
      let sum = offers.get(key);
      if (!sum) offers.set(key, (sum = new Sum()));
      const hours = sum.add(course, now);
      const zoneKey = zoneOf(course.offer);
      if (course.offer.market !== "spot" || course.joinedAt === undefined) continue;
      const zone = zones.get(zoneKey) ?? { expected: 0, taken: 0 };
      zone.expected += expectedOf(hours, course.offer.interruptionsPerHour);
      if (course.isTaken) zone.taken++;
      zones.set(zoneKey, zone);
    }
    this.#sums = { at: now, version: this.#version, offers, zones };
    return this.#sums;
  }
}

interface Zone {
  /** Interruptions that were to be expected by what was said of its offers. */
  expected: number;
  taken: number;
}

/** Of one offer. */
class Sum {
  readonly boots: { joinedMs: number[]; waitedMs: number[] } & BootsSeen = {
    joinedMs: [],
    waitedMs: [],
  };
  hours = 0;
  taken = 0;
  never = 0;
  asked = 0;
  refused = 0;
  refusedInRow = 0;
  refusedAt = 0;

  /** Gives for how long its machine was there, in hours. */
  add(course: Course, now: number): number {
    const { orderedAt, joinedAt, isMade, isEnded, isRefused, isTaken, since } = course;
    this.asked++;
    if (isRefused) {
      this.refused++;
      // Several that were asked for at once are one answer.
      if (this.refusedInRow === 0 || since - this.refusedAt > togetherMs) this.refusedInRow++;
      this.refusedAt = Math.max(this.refusedAt, since);
    } else if (isMade) this.refusedInRow = 0;
    if (joinedAt !== undefined) this.boots.joinedMs.push(Math.max(1, joinedAt - orderedAt));
    else if (isMade && !isRefused) {
      // Also those that boot at this moment: they take longer than they have taken.
      this.boots.waitedMs.push(Math.max(1, (isEnded ? since : now) - orderedAt));
      if (isEnded) this.never++;
    }
    if (isTaken) this.taken++;
    if (joinedAt === undefined) return 0;
    const hours = Math.max(0, (isEnded ? since : now) - joinedAt) / hourMs;
    this.hours += hours;
    return hours;
  }
}

function courseOf({ name, spec, status }: OrderRecord): Course {
  const { phase, since, joinedAt, handle, takenAt } = status;
  const isMade = handle !== undefined || joinedAt !== undefined;
  return {
    name,
    offer: spec.offer,
    orderedAt: spec.orderedAt,
    isMade,
    isEnded: phase === "released" || phase === "failed" || phase === "releasing",
    isRefused: phase === "failed" && !isMade,
    joinedAt,
    since,
    isTaken: takenAt !== undefined || (phase === "failed" && joinedAt !== undefined),
  };
}

function keyOf({ site, name }: Offer): string {
  return `${site} ${name}`;
}

function zoneOf({ site, zone }: Offer): string {
  return `${site} ${zone}`;
}
