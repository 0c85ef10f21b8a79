import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { instanceEvents } from "#/model/instance-event.ts";
import type { InstanceMarket } from "#/model/instance.ts";
import { tellInstanceEvents } from "./events.ts";
import { Instances } from "./instances.ts";
import { Interruptions } from "./interruptions.ts";
import { metadataOf } from "./metadata.ts";
import { Estate } from "./testing/estate.ts";

type How = Pick<InstanceMarket, "onInterruption"> & { type: "one-time" | "persistent" };

/** A spot instance that may cost 100, and a price that the test makes. */
async function spot({ onInterruption, type }: How) {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", { volume: { storage: "s" }, isRecovered: false });
  const { space, clock } = estate;
  tellInstanceEvents({ space, clock, random: nodeRandom, region: "us-east-1" });
  const market = { type: "spot" as const, request: "sir-1", maxMicrosPerHour: 100, onInterruption };
  space.commit((tx) => {
    tx.put<"project">({
      kind: "project",
      project: "p",
      name: "p",
      spec: { title: "P", createdAt: 0, weight: 1 },
      status: {},
    });
    tx.put<"event-subscription">({
      kind: "event-subscription",
      project: "p",
      name: "p/e1",
      spec: { to: "arn:aws:sqs:us-east-1:1:told", events: instanceEvents, createdAt: 0 },
      status: {},
    });
    const instance = tx.get("instance", "i-1")!;
    tx.put<"instance">({ ...instance, spec: { ...instance.spec, market } });
    tx.put<"spot-request">({
      kind: "spot-request",
      project: "p",
      name: "sir-1",
      spec: { createdAt: 0, type, maxMicrosPerHour: 100, onInterruption, launch: "{}", tags: {} },
      status: { state: "active", code: "fulfilled", message: "", since: 0, instance: "i-1" },
    });
  });
  const price = { micros: 50 };
  const evaluated: string[] = [];
  const volumes = { draft: () => assert.fail(), requireOpen: () => {} };
  const random = { bytes: (length: number) => new Uint8Array(length) };
  const interruptions = new Interruptions({
    space,
    instances: new Instances({ space, field: estate.field, volumes, clock, random }),
    requests: { evaluate: (record) => (evaluated.push(record.name), record) },
    prices: { spotPriceOf: () => price.micros, turn: () => {} },
    clock,
    log: silent,
  });
  interruptions.start();
  await estate.pass(10);
  const request = () => space.get("spot-request", "sir-1")!.status;
  const told = () =>
    [...space.list("notice", "arn:aws:sqs:us-east-1:1:told")].map(({ spec }) => ({
      at: spec.at,
      ...(JSON.parse(spec.body) as { detail: { state?: string; "instance-action"?: string } })
        .detail,
    }));
  return { estate, price, request, evaluated, told };
}

test("one that costs more than it may is told two minutes ahead by its metadata and an event, then taken, and its request is over", async () => {
  const how = { onInterruption: "terminate", type: "one-time" } as const;
  const { estate, price, request, told } = await spot(how);
  assert.equal(estate.instance().status.interruptionAt, undefined);
  price.micros = 101;
  await estate.pass(10);
  const { interruptionAt } = estate.instance().status;
  assert.ok(interruptionAt! - estate.clock.now() > limits.spotNoticeMs - 15_000);
  const parts = { space: estate.space, region: "us-east-1", ofRole: {} };
  const { documents } = metadataOf(estate.instance(), parts);
  const { action, time } = JSON.parse(documents["meta-data/spot/instance-action"]!) as {
    action: string;
    time: string;
  };
  assert.deepEqual(
    [action, Date.parse(time)],
    ["terminate", Math.floor(interruptionAt! / 1000) * 1000],
  );
  assert.equal(documents["meta-data/spot/termination-time"], time);
  price.micros = 50; // what was told stands
  await estate.pass(limits.spotNoticeMs / 1000 - 15);
  assert.deepEqual(estate.whereRuns(), ["m0"]);
  await estate.pass(30);
  const { state, reason } = estate.instance().status;
  assert.deepEqual([state, reason!.code], ["terminated", "Server.SpotInstanceTermination"]);
  assert.deepEqual([request().state, request().code], ["closed", "instance-terminated-by-price"]);
  const [running, warning, going, gone] = told();
  assert.deepEqual(
    [running, warning, going, gone].map((one) => one?.state ?? one?.["instance-action"]),
    ["running", "terminate", "shutting-down", "terminated"],
  );
  assert.ok(going!.at - warning!.at >= limits.spotNoticeMs);
  const why = await estate.space.archived("decision", { prefix: "i-1/", limit: 9 });
  assert.deepEqual(why.map(({ spec }) => spec.action).sort(), ["end", "warn"]);
});

test("a lasting one that is stopped starts again when the price allows it, and not before", async () => {
  const { estate, price, request } = await spot({ onInterruption: "stop", type: "persistent" });
  price.micros = 101;
  await estate.pass(limits.spotNoticeMs / 1000 + 30);
  assert.deepEqual([estate.instance().status.state, request().state], ["stopped", "disabled"]);
  await estate.pass(60);
  assert.deepEqual(estate.whereRuns(), []);
  price.micros = 100;
  await estate.pass(20);
  assert.deepEqual([estate.whereRuns(), request().state], [["m0"], "active"]);
  assert.equal(estate.instance().status.interruptionAt, undefined);
});

test("a lasting request whose instance is terminated is open again, and looked at", async () => {
  const { estate, price, request, evaluated } = await spot({
    onInterruption: "terminate",
    type: "persistent",
  });
  price.micros = 101;
  await estate.pass(limits.spotNoticeMs / 1000 + 30);
  assert.deepEqual([request().state, request().instance], ["open", undefined]);
  assert.ok(evaluated.includes("sir-1"));
});
