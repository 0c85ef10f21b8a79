import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Goal } from "#/model/plan.ts";
import { exchange } from "../exchange.ts";
import { propose } from "../propose.ts";
import { demand, machine, offer } from "../testing/planning.ts";
import { changeBreaches, type ChangeStanding } from "./holds.ts";

const minuteMs = 60_000;
const billing = { granularityMs: 1, minimumMs: 0, paidMs: 0 };
const left: Goal = { deadlineMs: 11 * minuteMs, budgetMicros: 1_000_000, objective: "cost" };
const here = machine(2);
const large = offer("large");
const work = demand(200, minuteMs);

const standing: ChangeStanding = {
  machines: [here],
  offers: [large],
  allowed: () => undefined,
  demand: work,
  left,
};

describe("changeBreaches()", () => {
  const buys = propose(work, left, [here], [large]);
  assert.ok("predicted" in buys);
  const asked = (more: Partial<ChangeStanding>) => changeBreaches(buys, { ...standing, ...more });

  test("finds nothing wrong with what fits the budget, whether the deadline is kept by it or not", () => {
    assert.deepEqual(asked({}), []);
    assert.deepEqual(asked({ left: { ...left, deadlineMs: minuteMs } }), []);
    assert.deepEqual(asked({ left: { objective: "cost" } }), []);
  });

  test("says that what is bought is dearer, and that the budget has become too small for it", () => {
    assert.match(asked({ offers: [{ ...large, microsPerHour: 9e6 }] })[0]!, /^lab large costs 9/);
    assert.match(
      asked({ left: { ...left, budgetMicros: 1000 } })[0]!,
      /^what is left would cost up to [\d.]+ with it, and 0.001 of its budget is left$/,
    );
    assert.match(asked({ left: { ...left, budgetMicros: -5 } })[0]!, /and 0.00 of its budget/);
  });

  test("does not count what an exchange does without", () => {
    const dear = {
      ...machine(16),
      name: "d",
      offer: "dear",
      rates: { ...machine(16).rates, microsPerHour: 90e6 },
      billing,
    };
    const cheap = offer("cheap", { microsPerHour: 100_000, countMax: 50 });
    const goal = { ...left, budgetMicros: 30e6 };
    const found = exchange(work, goal, [here, dear], [cheap], 40e6);
    assert.ok(found);
    const at = { ...standing, machines: [here, dear], offers: [cheap], left: goal };
    assert.deepEqual(changeBreaches(found.proposal, at), []);
  });

  test("says that the deadline is not kept without a machine that would be given back, or that it is gone", () => {
    const two = [here, { ...machine(64), name: "big", billing }];
    const release = { considered: [], release: { machine: "big", why: [] } };
    const of = (deadlineMs: number, machines = two) =>
      changeBreaches(release, { ...standing, machines, left: { ...left, deadlineMs } });
    assert.deepEqual(of(200 * minuteMs), []);
    assert.match(
      of(20 * minuteMs)[0]!,
      /^without big the deadline is not kept: the other machines need .* and its deadline is in 20m00s$/,
    );
    assert.deepEqual(of(200 * minuteMs, [here]), ["big is not there any more"]);
  });
});
