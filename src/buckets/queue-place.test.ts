import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueSpec } from "#/model/queue.ts";
import { Queues } from "#/queues/queues.ts";
import { startDeliveries } from "./deliveries.ts";
import { QueuePlace } from "./queue-place.ts";
import { accountId, openBuckets, until } from "./testing/opened.ts";

const spec = (title: string, more: Partial<QueueSpec> = {}): QueueSpec => ({
  title,
  accountId,
  createdAt: 0,
  changedAt: 0,
  visibilitySeconds: 30,
  delaySeconds: 0,
  retentionSeconds: 3600,
  waitSeconds: 0,
  messageBytesMax: 262_144,
  isFifo: false,
  isDedupedByContent: false,
  dedupScope: "queue",
  throughputLimit: "perQueue",
  isSseManaged: false,
  ...more,
});

test("a queue is told, of its own project only, and never one in order", async (t) => {
  const { parts, make } = await openBuckets(t);
  const { space, clock, random, log, events } = parts;
  const queues = new Queues({ space, clock, random, log, region: "us-east-1" });
  const queue = queues.create("default", spec("told"));
  const ordered = queues.create("default", spec("ordered.fifo", { isFifo: true }));
  const place = new QueuePlace({ queues, space });
  const arn = queues.arnOf(queue);
  assert.equal(place.isThere(arn, "default"), true);
  assert.equal(place.isThere(arn, "other"), false);
  assert.equal(place.isThere(arn.replace("us-east-1", "eu-west-1"), "default"), false);
  assert.equal(place.isThere(queues.arnOf(ordered), "default"), false);
  const bucket = await make("pictures", {
    notification: {
      rules: [{ id: "one", to: { kind: "queue", arn }, events: ["s3:ObjectCreated:*"] }],
    },
  });
  const deliveries = startDeliveries({ space, clock, log, places: { sqs: place } });
  t.after(() => deliveries.stop());
  await events.tell(bucket, {
    name: "ObjectCreated:Put",
    at: clock.now(),
    key: "a",
    principalId: "1",
    sourceIp: "::1",
    requestId: "R",
  });
  await until("the queue has it", () => queues.counts(queue).visible === 1);
  const [got] = await queues.receive(queue, { max: 1, visibilitySeconds: 30, waitMs: 0 });
  assert.match(got!.record.spec.body, /"eventName":"ObjectCreated:Put"/);
});
