import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import type { AvailabilityHistory } from "./availability.ts";
import { decideSpot, type SpotState } from "./decide.ts";
import { planSpot, type SpotPlan, type SpotQuestion } from "./plan.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;

/** Stretches of so many hours, by turns available and not, over and over until an age of 30 days. */
function everyHours(...stretchHours: number[]): AvailabilityHistory {
  const changesMs: number[] = [];
  const untilMs = 30 * 24 * hourMs;
  let atMs = 0;
  for (let turn = 0; ; turn++) {
    atMs += stretchHours[turn % stretchHours.length]! * hourMs;
    if (atMs >= untilMs) break;
    changesMs.push(atMs);
  }
  return { fromMs: 0, untilMs, availableFirst: true, changesMs };
}

const question: SpotQuestion = {
  zones: [{ zone: "a", pricePerHour: 0.3, history: everyHours(6, 6) }],
  onDemandPricePerHour: 1,
  workMs: 48 * hourMs,
  windowMs: 96 * hourMs,
  changeoverMs: 6 * minuteMs,
  lossMs: 0,
};

function stateOf(changes: Partial<SpotState>): SpotState {
  return {
    nowMs: 0,
    deadlineMs: 60 * hourMs,
    workLeftMs: 48 * hourMs,
    decideWithinMs: 5 * minuteMs,
    running: undefined,
    zones: [{ zone: "a", available: false, sinceMs: -hourMs }],
    ...changes,
  };
}

test("decideSpot() takes spot that is there", () => {
  const zones = [{ zone: "a", available: true, sinceMs: -hourMs }];
  const { run, zone, why } = decideSpot(planSpot(question), stateOf({ zones }));
  assert.deepEqual([run, zone, why.reason, why.best?.zone], ["spot", "a", "cheapest", "a"]);
  assert.ok(why.costs.spot! < why.costs.wait! && why.costs.wait! < why.costs["on-demand"]! + 1);
});

test("decideSpot() works on-demand early when spot cannot do it all, and waits when it can", () => {
  const plan = planSpot(question);
  const tight = decideSpot(plan, stateOf({ deadlineMs: 50 * hourMs }));
  assert.deepEqual([tight.run, tight.why.reason], ["on-demand", "cheapest"]);
  assert.ok(tight.why.slackMs > 10 * tight.why.guardMs, "there is slack left to wait with");
  const loose = decideSpot(plan, stateOf({ deadlineMs: 60 * hourMs, workLeftMs: 6 * hourMs }));
  assert.deepEqual([loose.run, loose.why.reason], ["wait", "cheapest"]);
  assert.ok(loose.why.costs.wait! < loose.why.costs["on-demand"]!);
});

test("decideSpot() takes the zone that is expected to last, and the cheaper of equals", () => {
  const now = [
    { zone: "flickers", available: true, sinceMs: -5 * minuteMs },
    { zone: "lasts", available: true, sinceMs: -5 * minuteMs },
    { zone: "lasts-cheaper", available: true, sinceMs: -5 * minuteMs },
  ];
  const zones = [
    { zone: "flickers", pricePerHour: 0.3, history: everyHours(0.2, 0.2) },
    { zone: "lasts", pricePerHour: 0.3, history: everyHours(20, 2) },
    { zone: "lasts-cheaper", pricePerHour: 0.29, history: everyHours(20, 2) },
  ];
  const of = (count: number) =>
    decideSpot(
      planSpot({ ...question, zones: zones.slice(0, count) }),
      stateOf({ zones: now.slice(0, count) }),
    );
  assert.deepEqual([of(2).run, of(2).zone], ["spot", "lasts"]);
  assert.deepEqual([of(3).run, of(3).zone], ["spot", "lasts-cheaper"]);
});

test("decideSpot() stays where it runs for a price that is no more than another's", () => {
  const zones = ["a", "b"].map((zone) => ({
    zone,
    pricePerHour: 0.3,
    history: everyHours(zone === "a" ? 2 : 20, 1),
  }));
  const { run, zone } = decideSpot(
    planSpot({ ...question, zones }),
    stateOf({
      running: { market: "spot", zone: "a", changeoverLeftMs: 0 },
      zones: ["a", "b"].map((one) => ({ zone: one, available: true, sinceMs: -hourMs })),
    }),
  );
  assert.deepEqual([run, zone], ["spot", "a"]);
});

test("decideSpot() runs on-demand where spot is not cheaper, or slack is out, or it is late", () => {
  const zones = [{ ...question.zones[0]!, pricePerHour: 1 }];
  const dear = decideSpot(planSpot({ ...question, zones }), stateOf({}));
  assert.deepEqual([dear.run, dear.why.reason], ["on-demand", "no-spot"]);
  const reasonAt = (deadlineMs: number) => {
    const { run, why } = decideSpot(planSpot(question), stateOf({ deadlineMs }));
    return [run, why.reason];
  };
  assert.deepEqual(reasonAt(48 * hourMs + 10 * minuteMs), ["on-demand", "guard"]);
  assert.deepEqual(reasonAt(48 * hourMs + 5 * minuteMs), ["on-demand", "late"]);
});

test("planSpot() refuses times and prices that there are not", () => {
  for (const wrong of [
    { workMs: 0 },
    { windowMs: -1 },
    { changeoverMs: -1 },
    { lossMs: Number.NaN },
  ])
    assert.throws(
      () => planSpot({ ...question, ...wrong }),
      (error) => error instanceof CanopyError && error.code === "invalid",
    );
});

/** Plans of very unlike markets, and terms; the work of a run is at most that of its plan. */
const plans = [
  { history: everyHours(6, 6), changeoverMs: 6 * minuteMs, lossMs: 0 },
  { history: everyHours(0.1, 0.3), changeoverMs: 30 * minuteMs, lossMs: 10 * minuteMs },
  { history: everyHours(50, 0.2), changeoverMs: 0, lossMs: 20 * minuteMs },
  { history: everyHours(0.5, 40), changeoverMs: 2 * hourMs, lossMs: 0 },
].map((terms) => {
  const zones = ["a", "b"].map((zone) => ({ zone, pricePerHour: 0.3, history: terms.history }));
  return planSpot({ ...question, ...terms, zones });
});

/** A made-up world from one seed, faster than a stream that fast-check keeps: numbers from 0 to 1 (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One piece of work in a world in which a zone is there with one chance and lost at any moment with another, and
 * nobody notices before the next decision; what was not saved is done again.
 */
class World {
  readonly deadlineMs: number;
  readonly #plan: SpotPlan;
  readonly #decideWithinMs: number;
  readonly #fraction: () => number;
  readonly #there: number;
  readonly #lose: number;
  #nowMs = 0;
  #workLeftMs: number;
  #unsavedMs = 0;
  #running: SpotState["running"];
  #zones: SpotState["zones"] = ["a", "b"].map((zone) => ({ zone, available: false, sinceMs: 0 }));
  paidMs = 0;
  startsMs = 0;
  lostMs = 0;

  constructor(plan: SpotPlan, workMs: number, slackMs: number, terms: Terms) {
    this.#plan = plan;
    this.#workLeftMs = workMs;
    this.deadlineMs = workMs + slackMs;
    this.#decideWithinMs = terms.decideWithinMs;
    this.#there = terms.there;
    this.#lose = terms.lose;
    this.#fraction = chance(terms.seed);
  }

  run(): void {
    while (this.#workLeftMs > 0) {
      assert.ok(this.#nowMs < this.deadlineMs, `${this.#workLeftMs} ms are left at the deadline`);
      this.#decide();
      this.#passTime();
    }
    assert.ok(this.#nowMs <= this.deadlineMs, `done ${this.#nowMs - this.deadlineMs} ms late`);
  }

  #decide(): void {
    this.#zones = this.#zones.map(({ zone, available, sinceMs }) => {
      const now = this.#fraction() < this.#there;
      return { zone, available: now, sinceMs: now === available ? sinceMs : this.#nowMs };
    });
    const held = this.#running;
    if (held?.market === "spot" && !this.#zones.some((it) => it.zone === held.zone && it.available))
      this.#lost();
    const { run, zone, why } = decideSpot(this.#plan, {
      nowMs: this.#nowMs,
      deadlineMs: this.deadlineMs,
      workLeftMs: this.#workLeftMs,
      decideWithinMs: this.#decideWithinMs,
      running: this.#running,
      zones: this.#zones,
    });
    assert.notEqual(why.reason, "late");
    const keeps =
      run === this.#running?.market &&
      (this.#running.market === "on-demand" || this.#running.zone === zone);
    if (keeps) return;
    this.#unsavedMs = 0; // One who leaves a machine by choice saves first.
    const changeoverLeftMs = this.#plan.changeoverMs;
    if (run === "wait") this.#running = undefined;
    else if (run === "on-demand") this.#running = { market: "on-demand", changeoverLeftMs };
    else this.#running = { market: "spot", zone: zone!, changeoverLeftMs };
  }

  #passTime(): void {
    const spanMs = Math.ceil(this.#decideWithinMs * (0.5 + this.#fraction() / 2));
    const isLost = this.#running?.market === "spot" && this.#fraction() < this.#lose;
    const heldMs = isLost ? Math.floor(spanMs * this.#fraction()) : spanMs;
    if (this.#running !== undefined) {
      const bootMs = Math.min(heldMs, this.#running.changeoverLeftMs);
      const workedMs = Math.min(heldMs - bootMs, this.#workLeftMs);
      const changeoverLeftMs = this.#running.changeoverLeftMs - bootMs;
      this.#running = { ...this.#running, changeoverLeftMs };
      this.#workLeftMs -= workedMs;
      this.#unsavedMs += workedMs;
      this.startsMs += bootMs;
      this.paidMs += bootMs + workedMs;
      this.#nowMs += this.#workLeftMs === 0 ? bootMs + workedMs : spanMs;
    } else this.#nowMs += spanMs;
    if (isLost && this.#workLeftMs > 0) this.#lost();
  }

  #lost(): void {
    const again = Math.min(this.#unsavedMs, this.#plan.lossMs);
    this.#workLeftMs += again;
    this.lostMs += again;
    this.#unsavedMs = 0;
    this.#running = undefined;
  }
}

interface Terms {
  decideWithinMs: number;
  /** Chances, at each decision that a zone is there, and after it that it is lost. */
  there: number;
  lose: number;
  seed: number;
}

/** A plan that was taught to wait for ever, or to love spot: what it thinks cheap must not make it late. */
function misled(plan: SpotPlan, wait: number, spot: number): SpotPlan {
  const size = plan.table!.spot.length;
  const all = (cost: number) => new Float32Array(size).fill(cost);
  const values = { nothing: all(wait), onDemand: all(9e6), spot: all(spot) };
  return { ...plan, table: { ...plan.table!, ...values } };
}

test("decideSpot() is never late and pays for no more than the work, what was lost and the starts", () => {
  const all = [...plans, ...plans.flatMap((plan) => [misled(plan, 0, 9e5), misled(plan, 9e5, 0)])];
  // Not fc.double(), most of whose values are next to 0 or to 1.
  const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
  const cases = fc.record({
    planNumber: fc.nat(all.length - 1),
    workShare: share.map((part) => Math.max(0.02, part)),
    slackShare: share,
    decideWithinMs: fc.constantFrom(5 * minuteMs, 10 * minuteMs, 40 * minuteMs),
    there: fc.oneof(share, fc.constant(1)),
    lose: fc.oneof(share, fc.constantFrom(0, 0.05, 1)),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(cases, ({ planNumber, workShare, slackShare, ...terms }) => {
      const plan = all[planNumber]!;
      const workMs = Math.ceil(workShare * 48 * hourMs);
      const slackMs = plan.changeoverMs + Math.ceil(workMs * slackShare);
      const world = new World(plan, workMs, slackMs, terms);
      world.run();
      assert.equal(world.paidMs, workMs + world.lostMs + world.startsMs);
    }),
    { numRuns: 300 },
  );
});
