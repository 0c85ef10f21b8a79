import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Savings } from "#/autonomic/savings/savings.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { Instances } from "#/instances/instances.ts";
import { savingActs } from "#/instances/saving-acts.ts";
import { savingsOf } from "#/instances/savings.ts";
import { specOf } from "#/instances/testing/estate.ts";
import { testVolumeKeys } from "#/instances/testing/volume-keys.ts";
import { Volumes } from "#/instances/volumes.ts";
import type { OrphanView } from "#/model/image-views.ts";
import type { PlanView } from "#/model/plan-views.ts";
import { planDigest } from "#/model/plan-digest.ts";
import type { Page, WhyView } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

const dayMs = 24 * 60 * 60_000;
const GiB = 2 ** 30;
const [clock, random] = [nodeClock, nodeRandom];

let world: World;
let savings: Savings;
let instances: Instances;
before(async () => {
  world = await startWorld();
  const { space } = world;
  const volumes = new Volumes({
    space,
    keys: testVolumeKeys({ space, clock, random }),
    clock,
    random,
  });
  const requests = {
    cancel: () => assert.fail("nobody has asked for a spot instance"),
  };
  const find = (project: string) => savingsOf(space, { project, now: clock.now() });
  instances = new Instances({ space, volumes, field: { machines: () => [] }, clock, random });
  const act = savingActs({ space, volumes, requests, instances });
  savings = new Savings({ space, clock, random, log: silent, find, act });
});
after(() => world.stop());

let number = 0;
/** One that no instance has, for forty days. */
function volume(tags: Record<string, string> = {}): string {
  const name = `vol-0000000000000000${++number}`;
  world.space.commit((tx) =>
    tx.put<"volume">({
      kind: "volume",
      project: "default",
      name,
      spec: {
        createdAt: clock.now() - 40 * dayMs,
        sizeBytes: 10 * GiB,
        type: "gp3",
        isEncrypted: false,
        zone: "us-east-1a",
        tags,
      },
      status: { state: "available", machine: "m1" },
    }),
  );
  return name;
}

const level = async (savingsLevels: object) => {
  const answer = await world.call("PUT", "/v1/policy", { body: { savings: savingsLevels } });
  assert.equal(answer.statusCode, 200, answer.body);
};
const snapshotsOf = (name: string) =>
  [...world.space.all("snapshot")].filter(({ spec }) => spec.volume === name);
const why = async (name: string) =>
  (await world.call("GET", `/v1/savings/${name}/why`)).json<WhyView>();
const said = async (name: string) =>
  (await why(name)).explanations.map(({ sentence }) => sentence).join("\n");
const plansFor = async (name: string) =>
  (await world.call("GET", "/v1/plans"))
    .json<Page<PlanView>>()
    .items.filter(({ saving }) => saving?.subject === name);

/** The machine has read it. */
function complete(name: string): void {
  const [snapshot] = snapshotsOf(name).slice(-1);
  world.space.commit((tx) =>
    tx.put<"snapshot">({
      ...snapshot!,
      status: { state: "completed", progress: 100, manifest: "manifest" },
    }),
  );
}

const isGoing = (name: string) => world.space.get("volume", name)!.spec.isUnwanted === true;

test("what no policy names is left to people", async () => {
  const idle = volume();
  savings.turn();
  await level({ "stale-snapshot": "act" });
  savings.turn();
  assert.deepEqual([snapshotsOf(idle), isGoing(idle), await plansFor(idle)], [[], false, []]);
  assert.match(await said(idle), /no instance has it[^]*its level is 'manual'/);
});

test("by advise it is said once what would be done, and nothing is", async () => {
  const idle = volume();
  await level({ "unattached-volume": "advise" });
  savings.turn();
  savings.turn();
  const words = await said(idle);
  assert.equal(words.match(/would keep a snapshot of it, and delete it/g)?.length, 1);
  assert.deepEqual([snapshotsOf(idle), isGoing(idle), await plansFor(idle)], [[], false, []]);
});

test("by act a volume is kept as a snapshot of what it holds now, and only then deleted; one with the tag is left alone", async () => {
  const idle = volume();
  const kept = volume({ "canopy:keep": "" });
  await level({ "unattached-volume": "act" });
  savings.turn();
  savings.turn();
  assert.deepEqual([snapshotsOf(idle).length, isGoing(idle)], [1, false]);
  // Somebody has used it once more: what was kept is not what it holds.
  const { space } = world;
  const used = space.get("volume", idle)!;
  space.commit((tx) => tx.put<"volume">({ ...used, status: { ...used.status, grownBytes: 1 } }));
  complete(idle);
  savings.turn();
  assert.deepEqual([snapshotsOf(idle).length, isGoing(idle)], [2, false]);
  complete(idle);
  savings.turn();
  assert.equal(isGoing(idle), true);
  assert.match(await said(idle), /deleted it: what it held is in snap-/);
  assert.deepEqual([snapshotsOf(kept), isGoing(kept)], [[], false]);
});

test("by approve a plan waits for somebody, is done once it is approved, and is not proposed again when it was declined", async () => {
  const [wanted, unwanted] = [volume(), volume()];
  await level({ "unattached-volume": "approve" });
  savings.turn();
  savings.turn();
  const [plan, ...more] = await plansFor(wanted);
  assert.deepEqual([plan!.phase, plan!.saving!.rule, more], ["proposed", "unattached-volume", []]);
  assert.match(await said(wanted), new RegExp(`the plan ${plan!.id} waits for canopy approve`));
  const { digest, ...rest } = plan!;
  assert.equal(planDigest(rest), digest);
  const explained = (await world.call("GET", `/v1/plans/${plan!.id}/why`)).json<WhyView>();
  assert.match(explained.explanations[0]!.sentence, /waits for somebody to approve it/);
  const [other] = await plansFor(unwanted);
  assert.equal((await world.call("POST", `/v1/plans/${other!.id}/decline`)).statusCode, 200);
  const approved = await world.call("POST", `/v1/plans/${plan!.id}/approve`);
  assert.equal(approved.json<PlanView>().phase, "approved", approved.body);
  for (let turn = 0; turn < 3; turn++) {
    savings.turn();
    if (snapshotsOf(wanted).length === 1 && turn === 0) complete(wanted);
  }
  assert.deepEqual([isGoing(wanted), isGoing(unwanted)], [true, false]);
  assert.equal((await plansFor(unwanted)).length, 1);
});

test("a plan about what serves somebody again is withdrawn, and cannot be approved before that", async () => {
  const idle = volume();
  savings.turn();
  const [plan] = await plansFor(idle);
  const { space } = world;
  const found = space.get("volume", idle)!;
  space.commit((tx) => {
    const attachment = {
      instance: "i-1",
      device: "/dev/sdf",
      since: 1,
      state: "attached" as const,
      deletesOnTermination: false,
    };
    tx.put<"volume">({ ...found, status: { ...found.status, state: "in-use", attachment } });
  });
  const refused = await world.call("POST", `/v1/plans/${plan!.id}/approve`);
  assert.equal(refused.statusCode, 409);
  assert.match(refused.json<{ detail: string }>().detail, /it serves somebody now/);
  savings.turn();
  const again = (await world.call("GET", `/v1/plans/${plan!.id}`)).json<PlanView>();
  assert.equal(again.phase, "declined");
});

/** One that has done next to nothing for a day. */
function idle(tags: Record<string, string> = {}): string {
  const name = `i-0000000000000000${++number}`;
  const at = clock.now();
  world.space.commit((tx) =>
    tx.put<"instance">({
      kind: "instance",
      project: "default",
      name,
      spec: { ...specOf(false), launchedAt: at, tags },
      status: {
        state: "running",
        since: at,
        startedAt: 1,
        fence: 1,
        use: {
          startedAt: 1,
          at,
          cpuMs: 7,
          perMille: Array<number>(limits.useWindows).fill(3),
        },
      },
    }),
  );
  return name;
}

test("an idle instance is told of by why, and stopped only by act or when somebody has approved that, each time anew", async () => {
  const [tagged, rests] = [idle({ "canopy:keep": "" }), idle()];
  const stateOf = (name: string) => world.space.get("instance", name)!.status.state;
  const told = async (name: string) =>
    (await world.call("GET", `/v1/instances/${name}/why`))
      .json<WhyView>()
      .explanations.map(({ sentence }) => sentence)
      .join("\n");
  savings.turn();
  assert.equal(stateOf(rests), "running");
  assert.match(
    await told(rests),
    /used 0\.3 % of its processors in its last hour[^]*less than 2 % of its processors[^]*its level is 'manual'/,
  );
  assert.doesNotMatch(await told(tagged), /less than 2 %/);
  await level({ "idle-instance": "approve" });
  savings.turn();
  const [plan] = await plansFor(rests);
  assert.deepEqual([plan!.saving!.rule, stateOf(rests)], ["idle-instance", "running"]);
  const approved = await world.call("POST", `/v1/plans/${plan!.id}/approve`);
  assert.equal(approved.json<PlanView>().phase, "approved", approved.body);
  savings.turn();
  assert.equal(stateOf(rests), "stopping");
  savings.turn();
  // Somebody starts it again, and it is idle for another day.
  const stopped = world.space.get("instance", rests)!;
  world.space.commit((tx) =>
    tx.put<"instance">({ ...stopped, status: { ...stopped.status, state: "running" } }),
  );
  savings.turn();
  assert.equal(stateOf(rests), "running");
  await level({ "idle-instance": "act" });
  savings.turn();
  assert.deepEqual([stateOf(rests), stateOf(tagged)], ["stopping", "running"]);
  assert.match(world.space.get("instance", rests)!.status.reason!.message, /as it was idle/);
  assert.match(await told(rests), /Canopy stopped it/);
});

test("data of a deregistered image is listed, proposed, and once that is approved its snapshots are gone and its bytes are to go", async () => {
  const name = "ami-00000000000000001";
  const { space } = world;
  const key = "a".repeat(64);
  space.commit((tx) =>
    tx.put<"image">({
      kind: "image",
      project: "default",
      name,
      spec: {
        title: "old",
        description: "",
        createdAt: 0,
        architecture: "x86_64",
        kinds: ["microvm"],
        source: { type: "unikernel", kernel: { key, sizeBytes: GiB }, commandLine: "" },
        isPublic: false,
        sharedWith: [],
        tags: {},
      },
      status: { state: "deregistered", deregisteredAt: clock.now() - 8 * dayMs },
    }),
  );
  const orphans = async () =>
    (await world.call("GET", "/v1/orphaned-image-data")).json<{ items: OrphanView[] }>().items;
  assert.deepEqual(
    (await orphans()).map(({ image, blobs, removal }) => [image, blobs.length, removal]),
    [[name, 1, undefined]],
  );
  await level({ "orphaned-image-data": "approve" });
  savings.turn();
  const [plan] = await plansFor(name);
  assert.equal(plan!.saving!.rule, "orphaned-image-data");
  assert.match(await said(name), /deregistered 8 days ago, and nothing else names 1 file of it/);
  const approved = await world.call("POST", `/v1/plans/${plan!.id}/approve`);
  assert.equal(approved.json<PlanView>().phase, "approved", approved.body);
  savings.turn();
  assert.match(await said(name), /its data is being removed: 0B of it are freed/);
  assert.deepEqual(await orphans(), [
    { image: name, name: "old", snapshots: [], blobs: [], removal: { freedBytes: 0 } },
  ]);
  const again = await world.call("DELETE", `/v1/orphaned-image-data/${name}`);
  assert.equal(again.statusCode, 200, again.body);
  const unknown = await world.call("DELETE", "/v1/orphaned-image-data/ami-00000000000000009");
  assert.match(unknown.json<{ detail: string }>().detail, /does not exist/);
});
