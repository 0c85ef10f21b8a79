import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Savings } from "#/autonomic/savings/savings.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { savingActs } from "#/instances/saving-acts.ts";
import { savingsOf } from "#/instances/savings.ts";
import { Volumes } from "#/instances/volumes.ts";
import type { PlanView } from "#/model/plan-views.ts";
import { planDigest } from "#/model/plan-digest.ts";
import type { Page, WhyView } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

const dayMs = 24 * 60 * 60_000;
const GiB = 2 ** 30;
const [clock, random] = [nodeClock, nodeRandom];

let world: World;
let savings: Savings;
before(async () => {
  world = await startWorld();
  const { space } = world;
  const volumes = new Volumes({ space, sealer: { seal: (plain) => plain }, clock, random });
  const requests = {
    cancel: () => assert.fail("nobody has asked for a spot instance"),
  };
  const find = (project: string) => savingsOf(space, { project, now: clock.now() });
  const act = savingActs({ space, volumes, requests });
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
