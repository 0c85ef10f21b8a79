import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { Goal } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { propose, type Infeasible, type Proposal } from "./propose.ts";
import type { PresentMachine } from "./machine-types.ts";
import { demand, machine, offer } from "./testing/planning.ts";

const minuteMs = 60_000;

function feasible(found: Proposal | Infeasible): Proposal {
  assert.ok("predicted" in found, JSON.stringify(found));
  return found;
}

const goal = { deadlineMs: 11 * minuteMs, objective: "cost" } as const;

describe("propose()", () => {
  test("takes nothing whose machines exist in forecasts only", () => {
    const cheap = offer("cheap", { microsPerHour: 1, isSimulated: true });
    const { considered } = feasible(propose(demand(60, minuteMs), goal, [], [cheap, offer("a")]));
    assert.deepEqual(
      considered.map(({ offer: name, count, whyNot }) => [name, count > 0, whyNot]),
      [
        ["cheap", false, "its machines exist in forecasts only"],
        ["a", true, undefined],
      ],
    );
  });

  test("takes no offer where the machines that are there do, and says so", () => {
    const { considered } = feasible(
      propose(demand(20, minuteMs), goal, [machine(2)], [offer("a")]),
    );
    assert.deepEqual(
      considered.map(({ count, whyNot }) => [count, whyNot]),
      [
        [1, undefined],
        [0, "what is there already is enough"],
      ],
    );
  });

  test("adds offers where they do not, and none that is dearer for the work", () => {
    const offers = [offer("dear", { microsPerHour: 900_000 }), offer("cheap")];
    const { considered, predicted } = feasible(
      propose(demand(100, minuteMs), goal, [machine(2)], offers),
    );
    assert.deepEqual(
      considered.map(({ count, whyNot }) => [count, whyNot]),
      [
        [1, undefined],
        [0, "another mix is cheaper"],
        [2, undefined],
      ],
    );
    assert.ok(predicted.finishMs.high <= goal.deadlineMs);
    assert.ok(predicted.costMicros!.high > 0);
  });

  test("never takes what has no known price, nor what may not be taken", () => {
    const offers = [
      offer("secret", { microsPerHour: undefined }),
      offer("spot", { market: "spot" }),
      offer("plain"),
    ];
    const { considered } = feasible(
      propose(demand(100, minuteMs), goal, [], offers, ({ market }) =>
        market === "spot" ? "its policy allows no spot" : undefined,
      ),
    );
    assert.deepEqual(
      considered.map(({ whyNot }) => whyNot),
      ["its price is unknown", "its policy allows no spot", undefined],
    );
  });

  test("says that the cost is unknown when a machine that is there has no price, and never zero", () => {
    const here = machine(2, {
      rates: { microsPerHour: undefined, idleWatts: 0, peakWatts: 0, pue: 1 },
    });
    assert.equal(
      feasible(propose(demand(2, minuteMs), goal, [here], [])).predicted.costMicros,
      undefined,
    );
  });

  describe("files that tasks take from others", () => {
    const { kinds, chainMs } = demand(40, minuteMs);
    const plan = (takesBytes: number, goal: Goal, sites: string[], offers: Offer[] = []) =>
      propose(
        { kinds: kinds.map((kind) => ({ ...kind, takesBytes })), chainMs },
        goal,
        sites.map((site) => machine(4, { site })),
        offers,
      );
    const finish = (takesBytes: number, ...sites: string[]) =>
      feasible(plan(takesBytes, { objective: "cost" }, sites)).predicted.finishMs.high;
    const halfMinute: number = limits.movedBytesPerSecond * 30;

    test("take time until they have been brought to another site", () => {
      assert.equal(finish(halfMinute, "lab", "cloud"), 1.5 * finish(0, "lab", "cloud"));
    });

    test("are at hand where all is at one site, whichever it is", () => {
      for (const site of ["lab", "joined"]) {
        assert.equal(finish(halfMinute, site), finish(0, site));
        assert.equal(finish(halfMinute, site, site), finish(0, site, site));
      }
    });

    test("let a job stay at one site where it is in time only there", () => {
      const goal: Goal = { objective: "cost", deadlineMs: 11 * minuteMs };
      const offers = [offer("lab"), { ...offer("other"), site: "other", microsPerHour: 1 }];
      const { considered, bound, predicted } = feasible(plan(20 * halfMinute, goal, [], offers));
      const used = considered.filter(({ count }) => count > 0);
      assert.equal(new Set(used.map(({ site }) => site)).size, 1);
      assert.ok(bound <= predicted.costMicros!.high);
    });
  });

  test("promises no budget where a machine that it would use has no price", () => {
    const rates = { microsPerHour: undefined, idleWatts: 0, peakWatts: 0, pue: 1 };
    const of = (machines: PresentMachine[], more: object) =>
      propose(demand(2, minuteMs), { ...goal, ...more }, machines, [offer("a")]);
    const refused = of([machine(2, { rates })], { budgetMicros: 1e9 });
    assert.ok("reason" in refused);
    assert.deepEqual([refused.reason, refused.unpriced], ["too-dear", "local m"]);
    assert.ok(
      "predicted" in of([machine(0, { rates })], { budgetMicros: 1e9 }),
      "nothing fits there",
    );
    assert.ok("predicted" in of([machine(2, { rates })], {}));
  });

  test("counts on less of a machine that may be taken away", () => {
    const often = feasible(
      propose(demand(160, minuteMs), goal, [], [offer("spot", { interruptionsPerHour: 20 })]),
    );
    const never = feasible(propose(demand(160, minuteMs), goal, [], [offer("spot")]));
    assert.ok(often.considered[0]!.count > never.considered[0]!.count);
  });

  test("tells the nearest goal that could be kept", () => {
    const found = propose(
      demand(100, minuteMs),
      { ...goal, deadlineMs: minuteMs },
      [],
      [offer("a")],
    );
    assert.ok("reason" in found);
    assert.equal(found.reason, "too-late");
    assert.equal(found.nearestDeadlineMs, 4 * minuteMs);
  });
});
