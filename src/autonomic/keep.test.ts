import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keepGoal, type Situation } from "./keep.ts";
import { demand, machine } from "./testing/planning.ts";
import { SpotPlans } from "./wait-for-spot.ts";

const minuteMs = 60_000;
const billing = { granularityMs: 1000, minimumMs: 0, paidMs: 0 };
const rates = { microsPerHour: 900_000, idleWatts: 0, peakWatts: 0, pue: 1 };

const situation = (machines: Situation["machines"]): Situation => ({
  demand: demand(20, minuteMs),
  goal: { objective: "cost", deadlineMs: 30 * minuteMs },
  machines,
  offers: [],
  now: 0,
  markets: () => undefined,
  plans: new SpotPlans(),
  mayExchange: false,
});

describe("keepGoal()", () => {
  const dear = machine(4, { name: "dear", billing, rates });
  const cheap = machine(4, { name: "cheap", billing, rates: { ...rates, microsPerHour: 1000 } });

  test("spares a dear machine once the one in its place is there, and not while that boots", () => {
    const action = keepGoal(situation([dear, cheap]));
    assert.equal(action.type === "drain" && action.machine, "dear");
    const booting = keepGoal(situation([dear, { ...cheap, bootMs: 1000 }]));
    assert.equal(booting.type, "none");
  });
});
