import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { forgetPlans } from "#/autonomic/proposals.ts";
import { limits } from "#/base/limits.ts";
import type { DecisionView, OrderView, PlanInput, PlanView } from "#/model/plan-views.ts";
import type { JobView, MadeKeyView, Page, ProblemView } from "#/model/views.ts";
import { startAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";

const minuteMs = 60_000;
let world: World;

before(async () => {
  world = await startWorld();
  await startAgent(world, await world.listen(), { cpus: 4 });
});
after(() => world.stop());

function asked(tasks: number, more: Partial<PlanInput> = {}): PlanInput {
  const step = {
    name: "wait",
    run: { driver: "process", command: ["sleep", "60"] },
    source: { type: "inputs", inputs: Array.from({ length: tasks }, () => null) },
  } as const;
  return {
    request: { title: "waiting", steps: [step as never] },
    told: { taskMs: minuteMs },
    ...more,
  };
}

const make = (body: PlanInput) => world.call("POST", "/v1/plans", { body });
const problemOf = (answer: { json<T>(): T }) => answer.json<ProblemView>();

describe("POST /v1/plans", () => {
  it("says when the work will be done, and for how much", async () => {
    const answer = await make(asked(8, { goal: { deadlineMs: 10 * minuteMs, budget: "1 USD" } }));
    assert.equal(answer.statusCode, 201, answer.body);
    const plan = answer.json<PlanView>();
    assert.equal(plan.phase, "proposed");
    assert.equal(plan.predicted.finishMs.likely, 2 * minuteMs);
    // 0.10 USD an hour, for two minutes.
    assert.equal(plan.predicted.cost!.likely, "0.003333");
    assert.deepEqual(
      plan.considered.map(({ isPresent, slots, count }) => [isPresent, slots, count]),
      [[true, 4, 1]],
    );
    assert.deepEqual(
      plan.work.map(({ tasks, seen }) => [tasks, seen]),
      [[8, "told"]],
    );
  });

  it("refuses a deadline that nothing can keep, and names the nearest one", async () => {
    const answer = await make(asked(400, { goal: { deadlineMs: 10 * minuteMs } }));
    assert.equal(answer.statusCode, 422);
    const { detail, hint } = problemOf(answer);
    assert.match(detail, /^Cannot run it within 10m as no mix of the machines/);
    const [, nearest] = /--deadline (\S+)/.exec(hint!)!;
    assert.equal(nearest, "2h5m15s");
    const again = await make(asked(400, { goal: { deadlineMs: 7_515_000 } }));
    assert.equal(again.statusCode, 201, again.body);
  });

  it("refuses a budget that is too small, and names the least", async () => {
    const answer = await make(asked(400, { goal: { budget: "0.01 USD" } }));
    assert.equal(answer.statusCode, 422);
    const { hint } = problemOf(answer);
    const [, nearest] = /--budget (\S+)/.exec(hint!)!;
    const again = await make(asked(400, { goal: { budget: nearest! } }));
    assert.equal(again.statusCode, 201, again.body);
  });

  it("promises nothing of work of which nothing is known, and says how to tell", async () => {
    const answer = await make(asked(8, { told: {} }));
    assert.equal(answer.statusCode, 422);
    assert.match(problemOf(answer).detail, /nothing is known of how long its tasks take/);
    assert.match(problemOf(answer).hint!, /--expect 30s/);
  });

  it("promises a gang only where all that begins at once has room", async () => {
    const ofGang = (tasks: number, gang: object | true): PlanInput => {
      const body = asked(tasks, { goal: { deadlineMs: 10 * minuteMs } });
      return {
        ...body,
        request: { ...body.request, steps: [{ ...body.request.steps[0]!, gang }] },
      };
    };
    const plan = (await make(ofGang(4, true))).json<PlanView>();
    assert.deepEqual(
      plan.work.map(({ tasks, atOnce }) => [tasks, atOnce]),
      [[4, 4]],
    );
    const large = problemOf(await make(ofGang(8, true)));
    assert.equal(large.code, "infeasible");
    assert.match(
      large.detail,
      /8 tasks of 'wait' must run at once, and all machines .* have room for 4 of them/,
    );
    assert.match(large.hint!, /^The most that can begin at once is 4: --gang 4 /);
    const some = (await make(ofGang(8, { minimum: 4 }))).json<PlanView>();
    assert.equal(some.predicted.finishMs.likely, 2 * minuteMs);
  });

  it("takes no budget in another currency, and no objective that it does not know", async () => {
    const other = await make(asked(8, { goal: { budget: "1 EUR" } }));
    assert.equal(other.statusCode, 400);
    assert.match(problemOf(other).detail, /in EUR as prices here are in USD/);
    const wrong = await make(asked(8, { goal: { objective: "fun" as never } }));
    assert.equal(wrong.statusCode, 400);
  });
});

describe("POST /v1/plans/:plan/approve", () => {
  it("makes the job once, with its goal", async () => {
    const plan = (await make(asked(8, { goal: { deadlineMs: 10 * minuteMs } }))).json<PlanView>();
    const path = `/v1/plans/${plan.id}/approve`;
    const job = (await world.call("POST", path)).json<JobView>();
    assert.equal(job.phase, "running");
    const again = (await world.call("POST", path)).json<JobView>();
    assert.equal(again.id, job.id);
    const read = (await world.call("GET", `/v1/plans/${plan.id}`)).json<PlanView>();
    assert.deepEqual([read.phase, read.job], ["approved", job.id]);
    const { goal, submittedAt } = world.space.get("job", job.id)!.spec;
    assert.equal(goal!.deadlineAt! - submittedAt, 10 * minuteMs);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });

  it("holds a workflow's plan against the steps that were planned, also when it is applied", async () => {
    const step = (name: string, tasks: number, after: string[] = []) => ({
      name,
      run: { driver: "process", command: ["sleep", "60"] },
      source: { type: "inputs", inputs: Array.from({ length: tasks }, () => null) },
      after,
    });
    // On 4 CPUs a chain of ten, and thirty beside it: 10 minutes. As a bag and a chain it would be 19.
    const chain = Array.from({ length: 10 }, (_, at) =>
      step(`link${at}`, 1, at > 0 ? [`link${at - 1}`] : []),
    );
    const body = {
      request: { title: "chain", steps: [step("beside", 30), ...chain] as never },
      told: { taskMs: minuteMs },
      goal: { deadlineMs: 16 * minuteMs },
    };
    const plan = (await make(body)).json<PlanView>();
    assert.equal(plan.predicted.finishMs.likely, 10 * minuteMs);
    assert.ok(plan.predicted.finishMs.high < 16 * minuteMs);
    for (const verb of ["approve", "apply"]) {
      const { id, digest } = (await make(body)).json<PlanView>();
      const said = verb === "apply" && { body: { digest } };
      const answer = await world.call("POST", `/v1/plans/${id}/${verb}`, { ...said });
      assert.ok(answer.statusCode < 300, answer.body);
      await world.call("POST", `/v1/jobs/${answer.json<JobView>().id}/cancel`);
    }
  });

  it("begins one job of a key that is slowed, and gives the same when it is approved again", async () => {
    const made = await world.call("POST", "/v1/keys", { body: { title: "k", role: "submitter" } });
    const { name, key } = made.json<MadeKeyView>();
    world.space.commit((tx) => {
      const record = tx.get("key", `default/${name}`)!;
      const slowed = { since: 0, everyMs: 3_600_000, reason: "its last 20 jobs failed" };
      tx.put<"key">({ ...record, status: { ...record.status, slowed } });
    });
    const approve = async () => `/v1/plans/${(await make(asked(8))).json<PlanView>().id}/approve`;
    const [first, second] = [await approve(), await approve()];
    const sent = (path: string) => world.call("POST", path, { key });
    assert.equal((await sent("/v1/plans/none/approve")).statusCode, 404);
    const begun = await sent(first);
    assert.equal(begun.statusCode, 201, begun.body);
    assert.equal((await sent(second)).statusCode, 429);
    const { id } = begun.json<JobView>();
    assert.equal((await sent(first)).json<JobView>().id, id);
    await world.call("POST", `/v1/jobs/${id}/cancel`);
  });

  it("finds a plan that nobody has decided about when it has left memory, and applies it once", async () => {
    const { id, digest } = (await make(asked(8))).json<PlanView>();
    forgetPlans(world.space, Date.now() + limits.planKeptMs - minuteMs);
    assert.ok(world.space.get("plan", id));
    forgetPlans(world.space, Date.now() + limits.planKeptMs + minuteMs);
    assert.equal(world.space.get("plan", id), undefined);
    const { items } = (await world.call("GET", "/v1/plans")).json<Page<PlanView>>();
    assert.equal(items.find((plan) => plan.id === id)!.phase, "proposed");
    const applied = () => world.call("POST", `/v1/plans/${id}/apply`, { body: { digest } });
    const answers = await Promise.all([applied(), applied()]);
    const [first, second] = answers.map((answer) => answer.json<JobView>().id);
    assert.match(first!, /^j/, answers[0]!.body);
    assert.equal(second, first);
    assert.equal(world.space.get("plan", id)!.status.job, first);
    await world.call("POST", `/v1/jobs/${first}/cancel`);
  });

  it("refuses a plan that was declined", async () => {
    const plan = (await make(asked(8))).json<PlanView>();
    const declined = await world.call("POST", `/v1/plans/${plan.id}/decline`);
    assert.equal(declined.json<PlanView>().phase, "declined");
    const answer = await world.call("POST", `/v1/plans/${plan.id}/approve`);
    assert.equal(answer.statusCode, 409);
  });

  it("knows no plan of another project", async () => {
    const plan = (await make(asked(8))).json<PlanView>();
    await world.call("POST", "/v1/projects", { body: { name: "other" } });
    const answer = await world.call("GET", `/v1/plans/${plan.id}?project=other`);
    assert.equal(answer.statusCode, 404);
  });
});

describe("GET /v1/plans, /v1/orders and decisions", () => {
  it("list the newest first, a page at a time", async () => {
    const page = (await world.call("GET", "/v1/plans?limit=2")).json<Page<PlanView>>();
    assert.equal(page.items.length, 2);
    assert.ok(page.items[0]!.id >= page.items[1]!.id);
    const next = await world.call("GET", `/v1/plans?limit=2&cursor=${page.next}`);
    assert.ok(next.json<Page<PlanView>>().items[0]!.id < page.items[1]!.id);
    assert.deepEqual((await world.call("GET", "/v1/orders")).json<Page<OrderView>>().items, []);
    const [job] = (await world.call("GET", "/v1/jobs?limit=1")).json<Page<JobView>>().items;
    const decisions = await world.call("GET", `/v1/jobs/${job!.id}/decisions`);
    assert.deepEqual(decisions.json<Page<DecisionView>>().items, []);
  });
});
