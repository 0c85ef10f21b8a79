import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { CarbonZoneRecord } from "#/model/carbon-zone.ts";
import { planMix } from "#/planning/mix/mix.ts";
import type { MixProblem } from "#/planning/mix/problem.ts";
import type { Goal } from "#/model/plan.ts";
import type { KnownOffer, PresentMachine } from "../machine-types.ts";
import type { Infeasible } from "../propose.ts";
import type { Demand } from "../step-demand.ts";
import { demand, machine, offer } from "../testing/planning.ts";
import { proposeWhen, type ShiftedProposal } from "./propose-when.ts";
import { CarbonZones } from "./zones.ts";
import { hourMs } from "#/model/units.ts";

const minuteMs = 60_000;
const now = 500 * hourMs;

function zonesOf(powers: Record<string, readonly number[]>): CarbonZones {
  const records = Object.entries(powers).map(([name, gramsPerKwh], at): CarbonZoneRecord => ({
    kind: "carbon-zone",
    project: "",
    serial: at,
    revision: 1,
    name,
    spec: { createdAt: 0, isDefault: name === "default" },
    status: { firstHour: 500, gramsPerKwh },
  }));
  const get = (_: string, name: string) => records.find((one) => one.name === name);
  return new CarbonZones({ space: { get, list: () => records }, clock: { now: () => now } });
}

function asked(
  goal: Goal,
  zones: CarbonZones,
  more: {
    demand?: Demand;
    machines?: PresentMachine[];
    offers?: KnownOffer[];
    mayWait?: boolean;
  } = {},
): Promise<ShiftedProposal | Infeasible> {
  const { machines = [], offers = [], mayWait = true } = more;
  const work = more.demand ?? demand(60, minuteMs);
  return proposeWhen({
    demand: work,
    goal,
    machines,
    offers,
    allowed: () => undefined,
    zones,
    now,
    mayWait,
    plan,
  });
}

async function feasible(asking: Promise<ShiftedProposal | Infeasible>): Promise<ShiftedProposal> {
  const found = await asking;
  assert.ok("predicted" in found, JSON.stringify(found));
  return found;
}

const powered = { rates: { microsPerHour: 0, idleWatts: 10, peakWatts: 100, pue: 1 } };
const carbon = { objective: "carbon", deadlineMs: 6 * hourMs } as const;
const plan = (problem: MixProblem) => Promise.resolve(planMix(problem));
const in_ = (zone: string) => ({ labels: { "carbon-zone": zone }, gramsPerKwh: undefined });
const taken = ({ considered }: ShiftedProposal) =>
  considered.flatMap(({ offer: name, count }) => (count > 0 ? [name] : []));

describe("proposeWhen()", () => {
  test("takes the cleanest place that keeps the deadline, also where it is dearer", async () => {
    const zones = zonesOf({ coal: [900, 900, 900], water: [20, 20, 20] });
    const offers = [
      offer("cheap", in_("coal")),
      offer("clean", { ...in_("water"), microsPerHour: 900_000 }),
    ];
    const goal = { objective: "carbon", deadlineMs: 90 * minuteMs } as const;
    const found = await feasible(asked(goal, zones, { offers }));
    assert.deepEqual(taken(found), ["clean"]);
    assert.deepEqual(
      taken(await feasible(asked({ ...goal, objective: "cost" }, zones, { offers }))),
      ["cheap"],
    );
  });

  test("leaves the cleanest place where it cannot keep the deadline", async () => {
    const zones = zonesOf({ coal: [900, 900, 900], water: [20, 20, 20] });
    const offers = [
      offer("fast", in_("coal")),
      offer("slow", { ...in_("water"), bootMs: { median: 2 * hourMs, p90: 2 * hourMs } }),
    ];
    const goal = { objective: "carbon", deadlineMs: 90 * minuteMs } as const;
    assert.deepEqual(taken(await feasible(asked(goal, zones, { offers }))), ["fast"]);
  });

  test("waits for cleaner hours, and says how much less that is", async () => {
    const zones = zonesOf({ default: [400, 400, 100, 400, 400, 400, 400] });
    const { shift, predicted } = await feasible(
      asked(carbon, zones, { machines: [machine(2, powered)] }),
    );
    assert.equal(shift!.until, now + 2 * hourMs);
    assert.equal(Math.round(shift!.savingShare * 100), 75);
    assert.ok(predicted.grams!.high < shift!.gramsAtOnce.high * 0.3);
    assert.ok(
      predicted.finishMs.likely > 2 * hourMs && predicted.finishMs.high <= carbon.deadlineMs,
    );
    assert.match(shift!.why.join(), /75 % less CO2 than going on at once/);
  });

  test("buys more machines and waits, where that is cleaner than few at once", async () => {
    const zones = zonesOf({ default: [500, 500, 500, 500, 20, 500, 500] });
    const found = await feasible(
      asked(carbon, zones, { demand: demand(400, minuteMs), offers: [offer("a", in_("default"))] }),
    );
    assert.equal(found.shift!.isWhole, true);
    assert.equal(found.shift!.until, now + 4 * hourMs);
    assert.ok(found.considered[0]!.count >= 2);
  });

  test("does not wait for another objective, without a deadline, or where it may not", async () => {
    const zones = zonesOf({ default: [400, 100, 100, 100, 100, 100, 100] });
    const machines = [machine(2, powered)];
    const more = { machines };
    assert.equal(
      (await feasible(asked({ ...carbon, objective: "cost" }, zones, more))).shift,
      undefined,
    );
    assert.equal((await feasible(asked({ objective: "carbon" }, zones, more))).shift, undefined);
    assert.equal(
      (await feasible(asked(carbon, zones, { ...more, mayWait: false }))).shift,
      undefined,
    );
  });

  test("knows no CO2 where nobody knows how clean power is, and takes no such offer for carbon", async () => {
    const zones = zonesOf({});
    const here = await feasible(asked(carbon, zones, { machines: [machine(2, powered)] }));
    assert.deepEqual([here.predicted.grams, here.shift], [undefined, undefined]);
    const found = await asked(carbon, zones, { offers: [offer("a", in_("nowhere"))] });
    assert.ok("reason" in found);
    assert.equal(found.considered[0]!.whyNot, "nobody knows how clean its power is");
  });

  test("keeps the deadline with a machine there of which nobody knows how clean it is", async () => {
    const zones = zonesOf({ water: [20, 20, 20, 20] });
    const goal = { objective: "carbon", deadlineMs: 30 * minuteMs } as const;
    const found = await feasible(
      asked(goal, zones, {
        demand: demand(200, minuteMs),
        machines: [machine(2)],
        offers: [offer("clean", in_("water"))],
      }),
    );
    assert.equal(found.predicted.grams, undefined);
    assert.ok(found.considered[1]!.count > 0);
  });

  test("is never planned to emit more than at once, nor to be late", async () => {
    const series = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(series, fc.integer({ min: 1, max: 20 }), async (grams, hours) => {
        const zones = zonesOf({ default: grams });
        const goal = { objective: "carbon", deadlineMs: hours * hourMs } as const;
        const found = await asked(goal, zones, { machines: [machine(2, powered)] });
        if (!("predicted" in found)) return;
        const { shift, predicted } = found;
        if (!shift) return;
        assert.ok(predicted.grams!.likely <= shift.gramsAtOnce.likely * (1 + 1e-9));
        assert.ok(predicted.finishMs.high <= goal.deadlineMs);
      }),
      { numRuns: 60 },
    );
  });
});
