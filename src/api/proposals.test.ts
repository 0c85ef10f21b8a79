import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { propose, withdrawProposal } from "#/autonomic/proposals.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { PlanView } from "#/model/plan-views.ts";
import type { Considered, PlanSpec } from "#/model/plan.ts";
import type { ProblemView } from "#/model/views.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

const problemOf = (answer: { json<T>(): T }) => answer.json<ProblemView>().detail;

/** Does what comes between reading a plan and committing: its project's rules are read there. */
function onceRulesAreRead(action: () => void): void {
  const { space } = world;
  const get = space.get.bind(space);
  space.get = ((kind: "policy", name: string) => {
    if (kind === "policy") {
      space.get = get;
      action();
    }
    return get(kind, name);
  }) as typeof get;
}

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

test("a proposal that was declined changes nothing, and is its job's still: none like it is proposed soon", async () => {
  const plan = await proposed("p2", {});
  const { job } = world.space.get("plan", plan)!.status;
  assert.equal((await world.call("POST", `/v1/plans/${plan}/decline`)).statusCode, 200);
  const refused = await world.call("POST", `/v1/plans/${plan}/approve`);
  assert.equal(refused.statusCode, 409);
  assert.match(problemOf(refused), /it is declined$/);
  const { spec, status } = world.space.get("plan", plan)!;
  assert.deepEqual([status.phase, status.job], ["declined", job]);
  const { clock, random, space } = { clock: nodeClock, random: nodeRandom, space: world.space };
  const asker = { project: "default", job: job! };
  world.space.commit((tx) =>
    assert.equal(propose(tx, asker, spec, { space, clock, random }), undefined),
  );
});

const large: Considered = {
  site: "lab",
  offer: "large",
  market: "on-demand",
  zone: "",
  isPresent: false,
  countMax: 9,
  slots: 16,
  microsPerHour: 500_000,
  watts: undefined,
  bootMs: 1000,
  count: 2,
};

async function siteOfLarge(): Promise<void> {
  const shape = { milliCpus: 16_000, memoryBytes: 2 ** 35, microsPerHour: 500_000 };
  const offers = [{ name: "large", ...shape, bootMs: { median: 1000, p90: 2000 } }];
  await world.call("PUT", "/v1/sites/lab", { body: { config: { type: "simulated", offers } } });
  await world.sites.look("lab");
}

test("a proposal that is withdrawn while somebody approves it is not carried out", async () => {
  await siteOfLarge();
  const fleet = { why: [], gives: [] };
  const policy = { fleet: { waitMsMax: 60_000, machinesMax: 4 } };
  assert.equal((await world.call("PUT", "/v1/policy", { body: policy })).statusCode, 200);
  for (const [name, more] of [
    ["p3", {}],
    ["p4", { fleet }],
  ] as const) {
    const plan = await proposed(name, { considered: [large], ...more });
    const { job } = world.space.get("plan", plan)!.status;
    const asker = { project: "default", ...(!("fleet" in more) && { job: job! }) };
    onceRulesAreRead(() =>
      world.space.commit((tx) =>
        withdrawProposal(tx, asker, { space: world.space, clock: nodeClock }),
      ),
    );
    const answer = await world.call("POST", `/v1/plans/${plan}/approve`);
    assert.equal(answer.statusCode, 409, answer.body);
    assert.match(problemOf(answer), /it was taken back meanwhile$/);
    assert.deepEqual([...world.space.all("order")], []);
    const { phase } = (await world.call("GET", `/v1/plans/${plan}`)).json<PlanView>();
    assert.equal(phase, "declined");
  }
});

test("what is proposed for a project's shared machines is done once, within the policy of the moment", async () => {
  await siteOfLarge();
  const ordered = () => [...world.space.all("order")].map(({ spec }) => spec.askedBy);
  const before = ordered().length;
  const plan = await proposed("p5", { considered: [large], fleet: { why: [], gives: [] } });
  const approve = () => world.call("POST", `/v1/plans/${plan}/approve`);
  const policy = (machinesMax: number) =>
    world.call("PUT", "/v1/policy", { body: { fleet: { waitMsMax: 60_000, machinesMax } } });
  await policy(1);
  const refused = await approve();
  assert.equal(refused.statusCode, 409);
  assert.match(problemOf(refused), /there would be 2 machines, and machinesMax is 1$/);
  assert.equal(ordered().length, before);
  await policy(4);
  const answers = await Promise.all([approve(), approve()]);
  for (const answer of answers) assert.equal(answer.json<PlanView>().phase, "approved");
  assert.deepEqual(ordered().slice(before), ["fleet of default", "fleet of default"]);
});
