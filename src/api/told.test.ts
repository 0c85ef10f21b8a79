import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decide } from "#/autonomic/decide.ts";
import type { ProjectCostView } from "#/model/energy-views.ts";
import type { Offer } from "#/model/site.ts";
import type { MadeKeyView, WhyView } from "#/model/views.ts";
import { startAgent, type TestAgent } from "./testing/agent.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

const hourMs = 3_600_000;
let world: World;
let agent: TestAgent;
let other: string;
let own: string;

/** A machine of the site "lab" that the project "default" bought for its jobs, and what was decided of it. */
function buy(name: string, of: { job?: string; price?: number; heldMs?: number } = {}): void {
  const { job, price = 1_000_000, heldMs = 90 * 60_000 } = of;
  const now = Date.now();
  const offer = { site: "lab", name: "large", microsPerHour: price } as Partial<Offer> as Offer;
  world.space.commit((tx) => {
    const priced = { ...offer, priceGranularityMs: 1, billedMsMin: 0 };
    const decision = decide(
      tx,
      { project: "default", name: job ?? "fleet:default" },
      { at: now, action: "buy", what: "ordered 1 large of lab", why: ["SECRET reason"] },
    );
    const more = { orderedAt: now - heldMs, askedBy: "SECRET asker", decision };
    tx.put<"order">({
      kind: "order",
      project: "default",
      name,
      spec: { site: "lab", offer: priced, ...more, ...(job !== undefined && { job }) },
      status: { phase: "joined", since: now, billedFrom: now - heldMs, machine: agent.machine },
    });
  });
}

const why = async (path: string, key: string) =>
  (await world.call("GET", `${path}/why`, { key })).json<WhyView>();

before(async () => {
  world = await startWorld();
  agent = await startAgent(world, await world.listen(), { cpus: 4 });
  for (const name of ["other"]) await world.call("POST", "/v1/projects", { body: { name } });
  const keyOf = async (project: string) => {
    const body = { title: "reader", role: "viewer" };
    const made = await world.call("POST", `/v1/keys?project=${project}`, { body });
    assert.equal(made.statusCode, 201, made.body);
    return made.json<MadeKeyView>().key;
  };
  other = await keyOf("other");
  own = await keyOf("default");
  world.space.commit((tx) =>
    tx.put<"site">({
      kind: "site",
      project: "",
      name: "lab",
      spec: { createdAt: 0, config: { type: "simulated", offers: [] } as never },
      status: { health: "healthy", since: 0 },
    }),
  );
});
after(() => world.stop());

test("why a site or a machine is as it is tells nobody what others ordered and why", async () => {
  const job = await submitJob(world);
  buy("o1", { job: job.id });
  const at = Date.now();
  world.space.commit((tx) => {
    const machine = tx.get("machine", agent.machine)!;
    tx.put({ ...machine, spec: { ...machine.spec, order: "o1", reservedFor: job.id } });
    for (const [name, project, what] of [
      ["lab", "default", "SECRET of a project"],
      ["lab", "", "told to all"],
      [agent.machine, "default", "SECRET of a project"],
      [agent.machine, "", "told to all"],
    ] as const)
      decide(tx, { name, project }, { at, action: project ? "warn" : "release", what, why: [] });
  });
  for (const path of ["/v1/sites/lab", `/v1/machines/${agent.machine}`]) {
    for (const key of [own, world.root]) {
      const text = JSON.stringify(await why(path, key));
      assert.match(text, /SECRET/);
      assert.match(text, /told to all/);
    }
    const text = JSON.stringify(await why(path, other));
    assert.doesNotMatch(text, /SECRET/);
    assert.ok(!text.includes(job.id), text);
    assert.match(text, /told to all/);
    assert.match(text, /other project/);
  }
});

test("what a project has cost tells what its shared machines were billed", async () => {
  const cost = async (query = "") =>
    (await world.call("GET", `/v1/projects/default/cost${query}`)).json<ProjectCostView>();
  assert.equal((await cost()).fleet, undefined);
  buy("o2", { heldMs: 90 * 60_000 });
  assert.match((await cost()).fleet!, /^1\.50/);
  assert.match((await cost(`?lastMs=${hourMs}`)).fleet!, /^1\.00/);
  world.space.commit((tx) => tx.archive(tx.get("order", "o2")!));
  assert.match((await cost()).fleet!, /^1\.50/);
});
