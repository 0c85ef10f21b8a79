import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PlanSpec } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { breachesOf, type Standing } from "./holds.ts";
import { propose } from "./propose.ts";
import { demand, machine, offer } from "./testing/planning.ts";

const minuteMs = 60_000;

const demandOf = (taskMs: number) => demand(200, taskMs);
const here = machine(2);
const large = offer("large");

const goal = { deadlineMs: 11 * minuteMs, budgetMicros: 1_000_000, objective: "cost" } as const;

function planned(): Pick<PlanSpec, "considered" | "goal"> {
  const found = propose(demandOf(minuteMs), goal, [here], [large]);
  assert.ok("predicted" in found);
  return { ...found, goal };
}

const breaches = (now: Partial<Standing>) =>
  breachesOf(planned() as PlanSpec, {
    machines: [here],
    offers: [large],
    allowed: () => undefined,
    demand: demandOf(minuteMs),
    ...now,
  });

describe("breachesOf()", () => {
  test("finds nothing wrong with a plan at the moment at which it was made, nor when it would cost less", () => {
    assert.deepEqual(breaches({}), []);
    assert.deepEqual(
      breaches({ offers: [{ ...large, microsPerHour: 300_000, countMax: 50 }] }),
      [],
    );
  });

  test("says what of the offers that it takes is not as it was", () => {
    const of = (more: Partial<Offer>) => breaches({ offers: [{ ...large, ...more }] })[0];
    assert.equal(breaches({ offers: [] })[0], "lab large is not offered any more");
    assert.match(of({ microsPerHour: 400_001 })!, /^lab large costs 0\.400001 an hour, and 0\.40 /);
    assert.match(of({ microsPerHour: undefined })!, /price of lab large is not known any more/);
    assert.match(of({ countMax: 1 })!, /^1 of lab large are offered, and the plan takes \d/);
    const forbidden = breaches({ allowed: () => "the policy forbids its site" });
    assert.deepEqual(forbidden, ["lab large: the policy forbids its site"]);
  });

  test("says that machines which it counts on are gone", () => {
    const gone = ["0 of local m are there, and the plan counts on 1"];
    assert.deepEqual(breaches({ machines: [] }), gone);
  });

  test("says by what deadline or budget would be missed, as the work is known now", () => {
    assert.match(
      breaches({ demand: demandOf(1.2 * minuteMs) })[0]!,
      /^it would be done in 1\dm.* now, and its deadline is 11m/,
    );
    const slow = { ...large, bootMs: { median: 30_000, p90: 5 * minuteMs } };
    assert.match(breaches({ offers: [slow] })[0]!, /^it would be done in /);
    const dear = { ...large, billedMsMin: 24 * 60 * minuteMs };
    assert.match(
      breaches({ offers: [dear] })[0]!,
      /^it would cost up to .* and its budget is 1\.00/,
    );
  });
});
