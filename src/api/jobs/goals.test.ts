import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jobGoalOf } from "#/autonomic/job-goals.ts";
import type { JobGoal, JobRecord } from "#/model/job.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import type { Transaction } from "#/space/space.ts";
import { goalAgain, goalByPolicy } from "./goals.ts";

const hourMs = 3_600_000;
const now = 10 * hourMs;

/** A space in which the project has that policy. */
function under(more?: Partial<AutonomicPolicy>): Pick<Transaction, "get"> {
  const spec = { type: "autonomic", timeZone: "UTC", autonomy: {}, ...more };
  return { get: () => (more ? { spec } : undefined) } as unknown as Pick<Transaction, "get">;
}

function job(goal?: Partial<JobGoal>): JobRecord {
  const spec = goal ? { goal: { plan: "p1", objective: "time", ...goal } } : {};
  return { name: "j1", project: "p", spec } as JobRecord;
}

const soon = { micros: 2_950_000, tasks: 4 };
const known = { now, spentMicros: 2_900_000, soon, currency: "USD" };

describe("goalByPolicy()", () => {
  test("is what the policy says of jobs that name none, else the most that one may ask for", () => {
    assert.equal(goalByPolicy(under(), "p"), undefined);
    assert.equal(goalByPolicy(under({ objective: "carbon", markets: ["spot"] }), "p"), undefined);
    assert.deepEqual(goalByPolicy(under({ deadlineMs: hourMs, budgetMicrosMax: 5 }), "p"), {
      objective: "cost",
      deadlineMs: hourMs,
      budgetMicros: 5,
    });
    const both = under({ deadlineMsMax: 3 * hourMs, deadlineMs: hourMs, objective: "carbon" });
    assert.deepEqual(jobGoalOf(goalByPolicy(both, "p")!, now), {
      plan: "",
      objective: "carbon",
      deadlineAt: now + hourMs,
    });
  });
});

describe("goalAgain()", () => {
  test("keeps what is not changed", () => {
    assert.equal(goalAgain(under(), job(), {}, known), undefined);
    const goal = { deadlineAt: now + 5, budgetMicros: 3_000_000, order: ["a"] };
    assert.deepEqual(goalAgain(under(), job(goal), {}, known), job(goal).spec.goal);
  });

  test("refuses a budget that is spent, whosever it is", () => {
    const spent = /must be above what it has cost: it has cost 2.90/;
    assert.throws(() => goalAgain(under(), job({ budgetMicros: 2_900_000 }), {}, known), spent);
    assert.throws(() => goalAgain(under(), job(), { budgetMicros: 1 }, known), spent);
    assert.throws(() => goalAgain(under({ budgetMicros: 5 }), job(), {}, known), spent);
    assert.throws(
      () => goalAgain(under(), job(), { budgetMicros: 5 }, { ...known, spentMicros: undefined }),
      /it has cost what has no known price/,
    );
  });

  test("refuses a budget at which it would be ended at the first look", () => {
    assert.throws(() => goalAgain(under(), job({ budgetMicros: 2_950_000 }), {}, known), {
      code: "infeasible",
      message: /has cost 2.90, and with the 4 tasks that begin at once it is 2.95 within 7s/,
      hint: /--budget 5.90USD/,
    });
    const unknown = { ...known, soon: { micros: undefined, tasks: 1 } };
    for (const [budgetMicros, now] of [
      [2_950_001, known],
      [2_950_000, unknown],
    ] as const)
      assert.ok(goalAgain(under(), job({ budgetMicros }), {}, now));
  });

  test("refuses a deadline that has passed until another is given, or none", () => {
    const passed = job({ deadlineAt: now - hourMs });
    assert.throws(() => goalAgain(under(), passed, {}, known), {
      code: "infeasible",
      message: /its deadline must be ahead: it passed 1h ago/,
    });
    const again = goalAgain(under(), passed, { deadlineMs: 7 }, known);
    assert.deepEqual(again, { plan: "p1", objective: "time", deadlineAt: now + 7 });
    assert.equal(goalAgain(under(), passed, { deadlineMs: null }, known), undefined);
  });

  test("stays within the project's policy", () => {
    const bounds = under({ deadlineMsMax: hourMs, budgetMicrosMax: 4_000_000 });
    assert.throws(() => goalAgain(bounds, job(), { budgetMicros: 5_000_000 }, known), {
      code: "infeasible",
      message: /allows budgets up to 4.00: 5.00 was asked for/,
    });
    const freed = goalAgain(bounds, job({}), { deadlineMs: null, budgetMicros: null }, known)!;
    assert.deepEqual([freed.deadlineAt, freed.budgetMicros], [now + hourMs, 4_000_000]);
  });
});
