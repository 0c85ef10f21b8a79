import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { PlanView } from "#/model/plan-views.ts";
import type { PlanSpec } from "#/model/plan.ts";
import type { ProblemView } from "#/model/views.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

const problemOf = (answer: { json<T>(): T }) => answer.json<ProblemView>().detail;

/** What Canopy has proposed for a job that runs. */
async function proposed(name: string, more: Partial<PlanSpec>): Promise<string> {
  const { id } = await submitJob(world);
  world.space.commit((tx) => {
    const job = tx.get("job", id)!;
    const goal = { plan: "", objective: "cost" } as const;
    tx.put({ ...job, spec: { ...job.spec, goal } });
    tx.put<"plan">({
      kind: "plan",
      project: "default",
      name,
      spec: {
        title: job.spec.title,
        madeBy: "canopy",
        madeAt: Date.now(),
        request: "",
        goal: { objective: "cost" },
        work: [],
        chainMs: 0,
        considered: [],
        predicted: {
          finishMs: { likely: 1, high: 1 },
          costMicros: undefined,
          joules: undefined,
          grams: undefined,
        },
        bound: 0,
        ...more,
      },
      status: { phase: "proposed", job: id },
    });
  });
  return name;
}

test("a proposal for a job that runs is approved if it still holds, and is never applied", async () => {
  const plan = await proposed("p1", { release: { machine: "gone", why: ["it is idle"] } });
  const refused = await world.call("POST", `/v1/plans/${plan}/approve`);
  assert.equal(refused.statusCode, 409);
  assert.match(problemOf(refused), /as it does not hold any more: gone is not there any more$/);
  const { digest } = (await world.call("GET", `/v1/plans/${plan}`)).json<PlanView>();
  const applied = await world.call("POST", `/v1/plans/${plan}/apply`, { body: { digest } });
  assert.equal(applied.statusCode, 409);
  assert.match(problemOf(applied), /^Cannot apply the plan p1 as it must be of a job that has yet/);
});

test("a proposal that was declined changes nothing", async () => {
  const plan = await proposed("p2", {});
  assert.equal((await world.call("POST", `/v1/plans/${plan}/decline`)).statusCode, 200);
  const refused = await world.call("POST", `/v1/plans/${plan}/approve`);
  assert.equal(refused.statusCode, 409);
  assert.match(problemOf(refused), /it is declined$/);
});
