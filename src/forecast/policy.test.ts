import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goalForAll, jobGoalOf } from "#/autonomic/job-goals.ts";
import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { JobGoal } from "#/model/job.ts";
import { autonomicPolicyName, type AutonomicPolicy, type PolicyRecord } from "#/model/policy.ts";
import { autonomyOf, noAutonomy } from "./autonomy.ts";
import { arrivalsUnder } from "./policy.ts";
import { emptyMoment } from "./recording.ts";
import { underTried } from "./tried.ts";

const at = 1000;

function arrival(goal?: JobGoal, project = "p"): Arrival {
  const spec = { title: "t", submittedAt: 100, submittedBy: "x", priority: 0, onFailure: "stop" };
  return { at, project, steps: [], spec: { ...spec, ...(goal && { goal }) } as Arrival["spec"] };
}

function policy(more: Partial<AutonomicPolicy>): AutonomicPolicy {
  return { type: "autonomic", timeZone: "UTC", autonomy: {}, ...more };
}

function record(project: string, spec: AutonomicPolicy): PolicyRecord {
  const name = autonomicPolicyName(project);
  return { kind: "policy", project, name, serial: 0, revision: 1, spec, status: {} };
}

/** The goal of an arrival where the project "p" has that policy. */
function goalOf(of: Arrival, rules?: AutonomicPolicy): JobGoal | undefined {
  const autonomy = { ...noAutonomy, policies: rules ? [record("p", rules)] : [] };
  return arrivalsUnder({ ...emptyMoment(0, []), autonomy })(of).spec.goal;
}

describe("arrivalsUnder()", () => {
  const old: JobGoal = { plan: "", objective: "carbon", deadlineAt: 9_000, budgetMicros: 9 };

  test("gives the goal that a submission would be given, by bounds alone too", () => {
    for (const more of [
      {},
      { objective: "time" },
      { deadlineMs: 50, budgetMicros: 7 },
      { deadlineMsMax: 60, budgetMicrosMax: 8 },
      { deadlineMs: 50, deadlineMsMax: 60 },
    ] as const) {
      const rules = policy(more);
      const forAll = goalForAll(rules);
      const goal = forAll && jobGoalOf(forAll, at);
      assert.deepEqual([goalOf(arrival(), rules), goalOf(arrival(old), rules)], [goal, goal]);
    }
  });

  test("keeps no goal that only a policy of the past gave", () => {
    assert.equal(goalOf(arrival(old)), undefined);
  });

  test("moves what was asked for to when it comes, within the policy", () => {
    const asked: JobGoal = { plan: "p1", objective: "time", deadlineAt: 400, order: ["a"] };
    const moved = { ...asked, deadlineAt: at + 300 };
    assert.deepEqual(goalOf(arrival(asked)), moved);
    assert.deepEqual(goalOf(arrival(asked), policy({ deadlineMs: 5, budgetMicros: 7 })), {
      ...moved,
      budgetMicros: 7,
    });
    assert.equal(goalOf(arrival(asked), policy({ deadlineMsMax: 200 }))!.deadlineAt, at + 200);
  });
});

test("underTried() gives one project's policy to its arrivals alone", () => {
  const autonomy = { ...noAutonomy, policies: [record("q", policy({ deadlineMs: 30 }))] };
  const tried = { title: "t", rules: policy({ deadlineMs: 50 }), project: "p" };
  const under = arrivalsUnder(underTried({ ...emptyMoment(0, []), autonomy }, tried, []));
  const deadlines = ["p", "q", "r"].map((project) => under(arrival(undefined, project)).spec.goal);
  assert.deepEqual(
    deadlines.map((goal) => goal?.deadlineAt),
    [at + 50, at + 30, undefined],
  );
});

test("autonomyOf() is there for a policy that gives each job a goal", () => {
  const known = { orders: [], offers: [], plans: [], jobs: [] };
  const of = (more: Partial<AutonomicPolicy>) =>
    autonomyOf({ ...known, policies: [record("p", policy(more))] }, false);
  assert.equal(of({ objective: "time" }), undefined);
  assert.ok(of({ budgetMicrosMax: 8 }));
});
