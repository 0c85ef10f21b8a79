import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PlanInput, PlanView } from "#/model/plan-views.ts";
import type { JobView, WhyView } from "#/model/views.ts";
import { startAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => {
  world = await startWorld();
  await startAgent(world, await world.listen(), { cpus: 4 });
  const shape = { milliCpus: 8000, memoryBytes: 2 ** 35 };
  const boot = { bootMs: { median: 20_000, p90: 30_000 } };
  const offers = [
    { name: "large", ...shape, microsPerHour: 400_000, ...boot },
    { name: "dear", ...shape, microsPerHour: 900_000, ...boot },
    { name: "unknown", ...shape, ...boot },
  ];
  await site("lab", { type: "simulated", machinesMax: 20, offers });
  await site("broken", { type: "canopy", url: "https://other:7411", ...cpu });
});
after(() => world.stop());

const run = { driver: "process", command: ["true"] };
const cpu = { milliCpus: 1000, memoryBytes: 2 ** 30 };

async function site(name: string, config: object): Promise<void> {
  await world.call("PUT", `/v1/sites/${name}`, { body: { config } });
  await world.sites.look(name);
}

async function why(path: string): Promise<WhyView> {
  const answer = await world.call("GET", `/v1/${path}`);
  assert.equal(answer.statusCode, 200, answer.body);
  return answer.json<WhyView>();
}

const about = ({ explanations }: WhyView, subject: string) =>
  explanations.find((one) => one.subject === subject)!;

async function planned(): Promise<PlanView> {
  const inputs = Array.from({ length: 400 }, () => null);
  const run = { driver: "process", command: ["sleep", "60"] };
  const body: PlanInput = {
    request: {
      title: "w",
      steps: [{ name: "w", run, source: { type: "inputs", inputs } } as never],
    },
    told: { taskMs: 60_000 },
    goal: { deadlineMs: 30 * 60_000 },
  };
  const answer = await world.call("POST", "/v1/plans", { body });
  assert.equal(answer.statusCode, 201, answer.body);
  return answer.json<PlanView>();
}

describe("why", () => {
  it("says of a plan why it takes what it takes, and what would turn each", async () => {
    const plan = await planned();
    const said = await why(`plans/${plan.id}/why`);
    assert.equal(said.phase, "proposed");
    assert.match(said.explanations[0]!.sentence, /waits for somebody to approve it/);
    assert.match(about(said, "lab large").sentence, /^it takes \d+ of it, for 0\.40 an hour$/);
    assert.match(about(said, "lab large").flip!, /an hour or more it would not have been taken/);
    assert.match(
      about(said, "lab dear").flip!,
      /an hour or less it would be taken: it costs 0\.90/,
    );
    assert.match(about(said, "lab unknown").flip!, /^with a known price of /);
  });

  it("says of an order why it was bought and nothing else, and what became of it", async () => {
    const plan = await planned();
    const job = (await world.call("POST", `/v1/plans/${plan.id}/approve`)).json<JobView>();
    const order = [...world.space.all("order")].find(({ spec }) => spec.job === job.id)!;
    const said = await why(`orders/${order.name}/why`);
    assert.match(said.explanations[0]!.sentence, /^large of lab was asked for by job j/);
    assert.match(
      about(said, "lab large").sentence,
      /^Canopy ordered \d+ large of lab at .* its plan p/,
    );
    assert.match(about(said, "lab dear").flip!, /an hour or less it would be taken/);
    assert.equal((await world.call("GET", "/v1/orders/onone/why")).statusCode, 404);
    const there = await why(`jobs/${job.id}/why?not=m1`).catch(() => undefined);
    assert.equal(there, undefined);
    const [machine] = world.scheduler.machines();
    const not = await why(`jobs/${job.id}/why?not=${machine!.machine}`);
    assert.ok(not.explanations.length > 0);
    const policy = await why("policy/why");
    assert.ok(policy.explanations.some(({ sentence }) => sentence.startsWith("Canopy ordered")));
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });

  it("says of a machine why it is there and what it does, and why it was taken out of use", async () => {
    const { machine } = world.scheduler.machines()[0]!;
    const idle = await why(`machines/${machine}/why`);
    assert.equal(idle.phase, "idle");
    assert.match(idle.explanations.at(-1)!.sentence, /nothing waits for a machine/);
    await world.call("PATCH", `/v1/machines/${machine}`, { body: { cordoned: true } });
    const cordoned = await why(`machines/${machine}/why`);
    assert.equal(cordoned.phase, "cordoned");
    const reason = cordoned.explanations.find(({ flip }) => flip === "uncordoned")!;
    assert.equal(reason.advice, `canopy machines uncordon ${machine}`);
    await world.call("PATCH", `/v1/machines/${machine}`, { body: { cordoned: false } });
  });

  it("says of a site why nothing is planned with it, and of each offer why it is not taken", async () => {
    const lab = await why("sites/lab/why");
    assert.match(about(lab, "unknown").sentence, /price is unknown, and unknown is not zero/);
    assert.match(about(lab, "large").sentence, /^it may be taken, \d+ of it at most$/);
    const broken = await why("sites/broken/why");
    assert.equal(broken.phase, "unhealthy");
    assert.match(
      broken.explanations[0]!.sentence,
      /AuthFailure: the credentials were not accepted/,
    );
    const body = { sitesNever: ["lab"] };
    await world.call("PUT", "/v1/policy", { body });
    const barred = await why("sites/lab/why");
    assert.match(about(barred, "large").sentence, /not taken for this project: the policy forbids/);
    const policy = await why("policy/why");
    assert.equal(policy.phase, "set");
    assert.match(
      about(policy, "lab large").sentence,
      /it is kept out: the policy forbids its site/,
    );
    await world.call("DELETE", "/v1/policy");
  });

  it("says of a fleet what bounds it and what waits, and of a project what it may use", async () => {
    assert.equal((await why("fleet/why")).phase, "absent");
    const fleet = { waitMsMax: 60_000, machinesMax: 3, budgetPerHour: "2.00 USD" };
    await world.call("PUT", "/v1/policy", { body: { fleet, autonomy: { buy: "advise" } } });
    const text = JSON.stringify(await why("fleet/why"));
    assert.match(text, /longer than 1m for its machine: 0 to 3 machines .* billed 2.00 USD in any/);
    assert.match(text, /nothing is bought by itself, as the level 'buy' of its policy is 'advise'/);
    await world.call("DELETE", "/v1/policy");
    assert.equal((await why("projects/default/why")).phase, "free");
    const quota = { quota: { cpus: 1 } };
    await world.call("PATCH", "/v1/projects/default", { body: quota });
    const wide = { title: "wide", steps: [{ name: "wide", run, needs: { cpus: 2 } }] };
    const { id } = (await world.call("POST", "/v1/jobs", { body: wide })).json<JobView>();
    const limited = await why("projects/default/why");
    assert.equal(limited.phase, "limited");
    assert.match(JSON.stringify(limited), /it uses 0 of 1 CPU that it is entitled to/);
    assert.match(about(limited, `${id}/0`).sentence, /it never fits the quota/);
    await world.call("POST", `/v1/jobs/${id}/cancel`);
    await world.call("PATCH", "/v1/projects/default", { body: { quota: null } });
  });

  it("names as flip of a fleet and of a quota what would turn them", async () => {
    const fleet = { waitMsMax: 60_000, machinesMax: 1 };
    await world.call("PUT", "/v1/policy", { body: { fleet } });
    const wide = { title: "wide", steps: [{ name: "wide", run, needs: { cpus: 2 } }] };
    const { id } = (await world.call("POST", "/v1/jobs", { body: wide })).json<JobView>();
    const flip = async () =>
      (await why("fleet/why")).explanations.find(({ sentence }) =>
        sentence.endsWith("for a machine"),
      )!.flip!;
    assert.match(
      await flip(),
      /^a shorter waitMax lets more be bought .* up to 1 more by machines/,
    );
    const [offer] = world.sites.offers();
    const order = (phase: "booting" | "released") =>
      world.space.commit((tx) =>
        tx.put<"order">({
          kind: "order",
          project: "default",
          name: "o-fleet",
          spec: { site: "lab", offer: offer!, orderedAt: 0, askedBy: "canopy" },
          status: { phase, since: 0 },
        }),
      );
    order("booting");
    assert.match(await flip(), /^a machinesMax above 1 lets more be bought .* whatever waitMax is/);
    order("released");
    await world.call("DELETE", "/v1/policy");
    await world.call("PATCH", "/v1/projects/default", { body: { quota: { cpus: 3 } } });
    const free = (await why("projects/default/why")).explanations.at(-1)!;
    assert.equal(free.sentence, "nothing of it waits for quota");
    assert.equal(free.flip, "a task that needs more than is left of it: 3 CPUs");
    const wider = { title: "wider", steps: [{ name: "wider", run, needs: { cpus: 3.5 } }] };
    const more = (await world.call("POST", "/v1/jobs", { body: wider })).json<JobView>();
    assert.match(about(await why("projects/default/why"), `${more.id}/0`).sentence, /quota/);
    for (const job of [id, more.id]) await world.call("POST", `/v1/jobs/${job}/cancel`);
    await world.call("PATCH", "/v1/projects/default", { body: { quota: null } });
  });
});
