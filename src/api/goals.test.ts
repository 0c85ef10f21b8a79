import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AutonomicPolicyInput } from "#/model/policy-views.ts";
import type { PlanInput, PlanView } from "#/model/plan-views.ts";
import type { JobView, ProblemView } from "#/model/views.ts";
import { idleUsage, startAgent, type TestAgent } from "./testing/agent.ts";
import { listStep, startWorld, submitJob, type World } from "./testing/world.ts";

const hourMs = 3_600_000;
let world: World;
let agent: TestAgent;

before(async () => {
  world = await startWorld();
  agent = await startAgent(world, await world.listen(), { cpus: 4 });
});
after(() => world.stop());

async function policy(body: AutonomicPolicyInput): Promise<void> {
  const answer = await world.call("PUT", "/v1/policy", { body });
  assert.equal(answer.statusCode, 200, answer.body);
}

const cancel = ({ id }: JobView) => world.call("POST", `/v1/jobs/${id}/cancel`);
const retry = ({ id }: JobView, body: object = {}) =>
  world.call("POST", `/v1/jobs/${id}/retry`, { body });
const problemOf = (answer: { json<T>(): T }) => answer.json<ProblemView>();

test("a job that is submitted without a plan keeps what its project's policy says", async () => {
  await policy({ deadlineMs: hourMs, budgetMax: "3.00 USD", objective: "carbon" });
  const job = await submitJob(world);
  assert.equal(job.goal!.budget, "3.00");
  const { goal, submittedAt } = world.space.get("job", job.id)!.spec;
  assert.deepEqual(goal, {
    plan: "",
    objective: "carbon",
    deadlineAt: submittedAt + hourMs,
    budgetMicros: 3_000_000,
  });
  await cancel(job);
});

test("a job is refused that by all that is known cannot keep what its project's policy says", async () => {
  await policy({});
  const inputs = { type: "inputs" as const, inputs: [1, 2, 3] };
  const request = { title: "known", steps: [{ ...listStep, source: inputs }] };
  const working = agent.work(() => ({ usage: { ...idleUsage, wallMs: 60_000 } }));
  const first = await submitJob(world, request);
  await world.call("GET", `/v1/jobs/${first.id}/result?waitMs=5000`);
  working.stop();
  await policy({ budget: "0.000001 USD" });
  const answer = await world.call("POST", "/v1/jobs", { body: request });
  assert.equal(answer.statusCode, 422, answer.body);
  assert.match(problemOf(answer).detail, /^Cannot run it for 0.000001 USD as every mix costs more/);
  const unknown = { title: "unknown", steps: [{ ...listStep, title: "unknown" }] };
  await cancel(await submitJob(world, unknown));
});

test("what is known of a job's work is looked up once for a submission, and not again when that is sent again", async () => {
  await policy({ deadlineMs: hourMs });
  const { space } = world;
  const archived = space.archived.bind(space);
  let looks = 0;
  space.archived = ((...asked: Parameters<typeof archived>) => {
    looks++;
    return archived(...asked);
  }) as typeof archived;
  const headers = { "idempotency-key": "sent-twice" };
  const first = await submitJob(world, {}, { headers });
  assert.equal(looks, 1);
  const again = await submitJob(world, {}, { headers });
  space.archived = archived;
  assert.deepEqual([again.id, looks], [first.id, 1]);
  await cancel(first);
});

test("no way to a job goes beyond what its project's policy lets one ask for", async () => {
  await policy({ budgetMax: "3.00 USD", deadlineMsMax: hourMs });
  const beyond = /the project's policy allows (budgets up to 3.00|deadlines up to 1h)/;
  const asked = (goal: PlanInput["goal"]) => ({
    request: { title: "t", steps: [{ ...listStep, source: { type: "inputs", inputs: [1] } }] },
    goal,
    told: { taskMs: 1000 },
  });
  const planned = await world.call("POST", "/v1/plans", { body: asked({ budget: "4 USD" }) });
  assert.equal(planned.statusCode, 422);
  assert.match(problemOf(planned).detail, beyond);

  await policy({});
  const free = (await world.call("POST", "/v1/plans", { body: asked({}) })).json<PlanView>();
  const large = (
    await world.call("POST", "/v1/plans", { body: asked({ budget: "4 USD" }) })
  ).json<PlanView>();
  const job = await submitJob(world);
  await cancel(job);
  await policy({ budgetMax: "3.00 USD", deadlineMsMax: hourMs });
  const refused = await world.call("POST", `/v1/plans/${large.id}/approve`);
  assert.match(problemOf(refused).detail, beyond);
  const approved = (await world.call("POST", `/v1/plans/${free.id}/approve`)).json<JobView>();
  assert.equal(approved.goal!.budget, "3.00");
  for (const goal of [{ budget: "4 USD" }, { deadlineMs: 2 * hourMs }]) {
    const again = await retry(job, goal);
    assert.equal(again.statusCode, 422);
    assert.match(problemOf(again).detail, beyond);
  }
  const bound = (await retry(job)).json<JobView>();
  assert.equal(bound.goal!.budget, "3.00");
  assert.ok(Date.parse(bound.goal!.deadlineAt!) > Date.now());
  await policy({});
});

test("POST /v1/jobs/:job/retry goes on within the budget that is left, or a larger one", async () => {
  const source = { type: "inputs" as const, inputs: [1, 2] };
  const job = await submitJob(world, { title: "two", steps: [{ ...listStep, source }] });
  await cancel(job);
  world.space.commit((tx) => {
    const record = tx.get("job", job.id)!;
    const goal = { plan: "", objective: "cost", budgetMicros: 3_000_000 } as const;
    tx.put({
      ...record,
      spec: { ...record.spec, goal },
      status: { ...record.status, bought: { micros: 3_100_000 } },
    });
  });
  const spent = await retry(job);
  assert.equal(spent.statusCode, 422);
  assert.match(problemOf(spent).hint!, /--budget 6.20USD/);
  const nearly = await retry(job, { budget: "3.100010 USD" });
  assert.equal(nearly.statusCode, 422, nearly.body);
  assert.match(
    problemOf(nearly).detail,
    /has cost 3.10, and with the .* begins? at once it is 3.10/,
  );
  assert.equal(world.space.get("job", job.id)!.status.phase, "cancelled");
  assert.equal((await retry(job, { budget: "5 EUR" })).statusCode, 400);
  const more = (await retry(job, { budget: "5 USD", deadlineMs: hourMs })).json<JobView>();
  assert.deepEqual([more.phase, more.goal!.budget], ["running", "5.00"]);
  const { status, spec } = world.space.get("job", job.id)!;
  assert.deepEqual(status.bought, { micros: 3_100_000 });
  assert.ok(spec.goal!.deadlineAt! > Date.now());
  await cancel(job);
});

test("what fits no machine there is taken where the project's fleet would buy one that fits", async () => {
  const shape = { milliCpus: 16_000, memoryBytes: 2 ** 35, microsPerHour: 500_000 };
  const offers = [{ name: "large", ...shape, bootMs: { median: 1000, p90: 2000 } }];
  await world.call("PUT", "/v1/sites/lab", { body: { config: { type: "simulated", offers } } });
  await world.sites.look("lab");
  const body = (cpus: number, gang = false) => ({
    title: "wide",
    steps: [
      {
        ...listStep,
        needs: { cpus },
        source: { type: "inputs", inputs: [1, 2, 3] },
        ...(gang && { gang: true }),
      },
    ],
  });
  const asked = async (cpus: number, gang?: boolean) => {
    const answer = await world.call("POST", "/v1/jobs", { body: body(cpus, gang) });
    if (answer.statusCode === 201) await cancel(answer.json<JobView>());
    return answer;
  };
  const fleet = { waitMsMax: 60_000, machinesMax: 2 };
  await policy({});
  assert.equal((await asked(8)).statusCode, 422);
  await policy({ fleet, quiet: { days: [1, 2, 3, 4, 5, 6, 7], from: "00:00", to: "23:59" } });
  assert.equal((await asked(8)).statusCode, 201);
  assert.equal((await asked(8, true)).statusCode, 201);
  const tooMany = await asked(12, true);
  assert.equal(tooMany.statusCode, 422);
  assert.match(problemOf(tooMany).detail, /and nothing that may be bought can run it/);
  for (const bound of [
    { fleet: { ...fleet, budgetPerHour: "0.40 USD" } },
    { fleet, sitesNever: ["lab"] },
    { fleet, where: "offer.cpus < 16.0" },
    { fleet, autonomy: { buy: "advise" } },
  ] satisfies AutonomicPolicyInput[]) {
    await policy(bound);
    assert.equal((await asked(8)).statusCode, 422, JSON.stringify(bound));
  }
  await policy({});
});

test("what a job's attempts had cost when it was cancelled stays counted", async () => {
  const job = await submitJob(world, {
    title: "cut",
    steps: [{ ...listStep, source: { type: "inputs", inputs: [1] } }],
  });
  agent.send({ type: "pull", max: 10 });
  while (world.scheduler.leases(job.id).length === 0)
    await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await cancel(job);
  const { cut } = world.space.get("job", job.id)!.status;
  assert.ok(cut!.micros! > 0);
  assert.equal((await retry(job, { budget: "1 USD" })).statusCode, 200);
  assert.deepEqual(world.space.get("job", job.id)!.status.cut, cut);
  await cancel(job);
});

test("what a job's attempts had cost that ended as another one failed stays counted", async () => {
  const job = await submitJob(world, {
    title: "cut",
    steps: [{ ...listStep, retries: 0, source: { type: "inputs", inputs: [1, 2] } }],
  });
  agent.send({ type: "pull", max: 10 });
  while (world.scheduler.leases(job.id).length < 2)
    await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { task, fence } = world.scheduler.leases(job.id)[0]!;
  const error = { reason: "threw", message: "bad" } as const;
  agent.send({ type: "finish", number: 1, reports: [{ task, fence, usage: idleUsage, error }] });
  const status = () => world.space.get("job", job.id)!.status;
  while (status().phase === "running") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(status().phase, "failed");
  const { cut } = status();
  assert.ok(cut!.micros! > 0);
  assert.equal((await retry(job)).statusCode, 200);
  assert.deepEqual(status().cut, cut);
  await cancel(job);
});
