import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Hosting } from "./hosting.ts";
import { Instances } from "./instances.ts";
import { Interruptions } from "./interruptions.ts";
import { decideLaunch } from "./launch.ts";
import { SpotMarket } from "./spot.ts";
import { spotAdvice } from "./spot-advice.ts";
import { pointsOf } from "./spot-history.ts";
import { SpotRequests } from "./spot-requests.ts";
import { FakeField, FakeHost } from "./testing/fake-host.ts";
import { testVolumeKeys } from "./testing/volume-keys.ts";
import { Volumes } from "./volumes.ts";

const region = "us-east-1";
const zone = `${region}a`;

/** A cloud with one machine of four processors, in time that only the test lets pass. */
async function market() {
  const clock = new ManualClock();
  const { random } = nodeHost(silent);
  const log = new MemoryLog();
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const metadataOf = () => ({ isEnabled: true, hopLimit: 1, documents: {} });
  const means = { space, metadataOf, keyOf: () => "", moveKeyOf: () => "", addressOf: () => "" };
  const hosting = new Hosting({ space, clock, log: silent, means });
  const field = new FakeField(space);
  const keys = testVolumeKeys({ space, clock, random });
  const volumes = new Volumes({ space, keys, clock, random });
  const instances = new Instances({ space, volumes, field, clock, random });
  const prices = new SpotMarket({ space, clock });
  const requests = new SpotRequests({ space, instances, prices, clock, random, region });
  const interruptions = new Interruptions({
    space,
    instances,
    requests,
    prices,
    clock,
    log: silent,
  });
  hosting.start();
  FakeHost.join({ space, hosting, field }, { milliCpus: 4000, memoryBytes: 16 * 2 ** 30 });
  const run = { entrypoint: [], command: [], env: [], folder: "/", user: "", ports: [] };
  space.commit((tx) =>
    tx.put<"image">({
      kind: "image",
      project: "p",
      name: "ami-00000001",
      spec: {
        title: "files",
        description: "",
        createdAt: 0,
        architecture: "x86_64",
        kinds: ["container"],
        source: { type: "files", layers: [], run: { ...run, stopSignal: "SIGTERM" } },
        isPublic: false,
        sharedWith: [],
        tags: {},
      },
      status: { state: "available" },
    }),
  );
  interruptions.start();
  const wish = (type: string, count = 1, min = count) => ({
    project: "p",
    accountId: "1",
    image: "ami-00000001",
    type,
    min,
    max: count,
  });
  const parts = { space, clock, random, region };
  return {
    space,
    clock,
    prices,
    demand: (type: string, count?: number, min?: number) =>
      instances.launch(decideLaunch(wish(type, count, min), parts)),
    spot: (type: string, how: "terminate" | "stop" = "terminate") =>
      requests.launch(wish(type), {
        type: how === "stop" ? "persistent" : "one-time",
        onInterruption: how,
        tags: {},
      })[0]!,
    terminate: ({ name }: InstanceRecord) => instances.terminate([space.get("instance", name)!]),
    now: ({ name }: InstanceRecord) => space.get("instance", name)!,
    stop() {
      interruptions.stop();
      hosting.stop();
    },
  };
}

const noticeMs = limits.spotNoticeMs;

test("an instance on demand takes the room of as few spot instances as will do, the youngest, and begins when their notice is over", async (t) => {
  const world = await market();
  t.after(() => world.stop());
  const { clock, space, demand, spot, now } = world;
  const old = spot("c.large");
  await clock.advance(60_000);
  const young = spot("c.large");
  await clock.advance(1000);
  assert.equal(now(young).status.state, "running");
  const [wanted] = demand("c.medium");
  assert.equal(now(old).status.interruptionAt, undefined);
  assert.equal(now(young).status.interruption, "capacity");
  const askers = [...space.all("spot-request")].map(({ status }) => status.code).sort();
  assert.deepEqual(askers, ["fulfilled", "marked-for-termination"]);
  await clock.advance(noticeMs - 10_000);
  assert.deepEqual(
    [now(wanted!).status.state, now(young).status.state],
    ["pending", "running"],
    "it has its two minutes",
  );
  await clock.advance(30_000);
  assert.equal(now(young).status.state, "terminated");
  assert.match(now(young).status.reason!.code, /^Server\.SpotInstanceTermination$/);
  assert.deepEqual(
    [now(wanted!).status.state, now(wanted!).status.waitsFor, now(old).status.state],
    ["running", undefined, "running"],
  );
  const codes = [...space.all("spot-request")].map(({ status }) => status.code).sort();
  assert.deepEqual(codes, ["fulfilled", "instance-terminated-no-capacity"]);
  const why = await space.archived("decision", { prefix: `${wanted!.name}/`, limit: 9 });
  assert.match(why[0]!.spec.why.join(), /no machine had room/);
});

test("room that was made for one is nobody else's, and where spot instances are not enough there is none", async (t) => {
  const world = await market();
  t.after(() => world.stop());
  const { demand, spot, now } = world;
  const taken = spot("c.large");
  demand("c.large");
  const insufficient = { awsCode: "InsufficientInstanceCapacity" };
  assert.throws(() => demand("c.xlarge"), insufficient);
  assert.equal(now(taken).status.interruptionAt, undefined, "nobody was told for nothing");
  demand("c.large");
  assert.equal(now(taken).status.interruption, "capacity");
  assert.throws(() => demand("c.large"), insufficient);
  assert.throws(() => demand("c.nano"), insufficient);
  assert.throws(() => spot("c.nano"), insufficient);
});

test("what is only welcome takes nobody's room", async (t) => {
  const world = await market();
  t.after(() => world.stop());
  const { demand, spot, now } = world;
  const kept = spot("c.large");
  assert.equal(demand("c.large", 3, 1).length, 1);
  assert.equal(now(kept).status.interruptionAt, undefined);
});

test("one that lasts stops, and starts again when there is room", async (t) => {
  const world = await market();
  t.after(() => world.stop());
  const { clock, space, demand, spot, now } = world;
  const lasting = spot("c.xlarge", "stop");
  const [wanted] = demand("c.large");
  await clock.advance(noticeMs + 20_000);
  assert.deepEqual([now(lasting).status.state, now(wanted!).status.state], ["stopped", "running"]);
  const [request] = [...space.all("spot-request")];
  assert.deepEqual(
    [request!.status.state, request!.status.code],
    ["disabled", "instance-stopped-no-capacity"],
  );
  world.terminate(wanted!);
  await clock.advance(20_000);
  const { state, interruptionAt, interruption } = now(lasting).status;
  assert.deepEqual([state, interruptionAt, interruption], ["running", undefined, undefined]);
});

test("spot instances never cost more than on demand, nothing is taken without its notice, and prices are kept as they were", async (t) => {
  const world = await market();
  t.after(() => world.stop());
  const { clock, space, prices, demand, spot, now } = world;
  const from = clock.now();
  let seed = 7;
  const draw = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const seen = new Map<string, number | undefined>();
  const told: [at: number, percent: number][] = [];
  const spots: InstanceRecord[] = [];
  for (let turn = 0; turn < 120; turn++) {
    const type = ["c.nano", "c.medium", "c.large"][draw(3)]!;
    try {
      if (draw(3) === 0) demand(type);
      else spots.push(spot(type, "terminate"));
    } catch {
      // it is full
    }
    const [some] = [...space.all("instance")].filter(({ status }) => status.state === "running");
    if (some && draw(3) === 0) world.terminate(some);
    await clock.advance(1000 * (1 + draw(40)));
    for (const one of spots) {
      const { state, interruptionAt, reason } = now(one).status;
      seen.set(one.name, interruptionAt ?? seen.get(one.name));
      if (state === "terminated" && reason?.code.startsWith("Server.Spot"))
        assert.ok(seen.get(one.name)! <= clock.now(), "not before the time that it was told");
      if (interruptionAt !== undefined && state === "running")
        assert.ok(interruptionAt > clock.now() - 2 * limits.spotLookMs);
    }
    const price = prices.spotPriceOf({ name: "c.large" }, zone);
    const full = 67_000 + 7200;
    assert.ok(price <= full && price >= Math.round(full * 0.3), String(price));
    told.push([clock.now(), Math.round((price / full) * 100)]);
  }
  const points = pointsOf(space, zone, { from, to: clock.now() });
  for (const [at, percent] of told)
    assert.equal(points.findLast(([since]) => since <= at)![1], percent);
  const begun = spots.length;
  const taken = spots.filter((one) => now(one).status.reason?.code.startsWith("Server.Spot"));
  const advice = spotAdvice({ space, clock }, ["c.nano", "c.medium", "c.large"], [zone]);
  assert.deepEqual(
    [
      advice.reduce((sum, one) => sum + one.begun, 0),
      advice.reduce((sum, one) => sum + one.taken, 0),
    ],
    [begun, taken.length],
  );
  assert.ok(taken.length > 3 && begun > taken.length, `${taken.length} of ${begun}`);
});
