import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import type { QueueRecord } from "#/model/queue.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { MoveTasks } from "./move-tasks.ts";
import { Queues } from "./queues.ts";

async function open(log = new MemoryLog(), clock = new ManualClock()) {
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const queues = new Queues({ space, clock, random, log: silent, region: "us-east-1" });
  const tasks = new MoveTasks({ space, queues, clock, random, log: silent });
  tasks.start();
  const make = (title: string): QueueRecord =>
    queues.create("default", {
      title,
      accountId: "111122223333",
      createdAt: 0,
      changedAt: 0,
      visibilitySeconds: 30,
      delaySeconds: 0,
      retentionSeconds: 3600,
      waitSeconds: 0,
      messageBytesMax: 1000,
      isFifo: false,
      isDedupedByContent: false,
      dedupScope: "queue",
      throughputLimit: "perQueue",
      isSseManaged: true,
    });
  const find = (title: string) => queues.find("default", title)!;
  const send = (title: string, count: number) => {
    for (let number = 0; number < count; number++)
      queues.send(find(title), { body: String(number), senderId: "s" });
  };
  const task = () => find("dead").status.moves![0]!;
  return { clock, space, queues, tasks, make, find, send, task };
}

test("a task moves so many in a second, goes on after a restart, and moves nothing twice", async () => {
  const log = new MemoryLog();
  const clock = new ManualClock();
  const before = await open(log, clock);
  for (const title of ["dead", "there"]) before.make(title);
  before.send("dead", 25);
  const destinationArn = before.queues.arnOf(before.find("there"));
  before.tasks.begin(before.find("dead"), { destinationArn, perSecond: 10 });
  assert.throws(() => before.tasks.begin(before.find("dead"), {}), {
    awsCode: "UnsupportedOperation",
  });
  await clock.advance(limits.moveLookMs / 2);
  assert.deepEqual([before.task().moved, before.task().state], [10, "RUNNING"]);
  before.tasks.stop();
  void before.space.close();
  await clock.advance(1);
  const after = await open(log, clock);
  await clock.advance(5 * limits.moveLookMs);
  assert.deepEqual([after.task().moved, after.task().state], [25, "COMPLETED"]);
  assert.equal(after.queues.counts(after.find("there")).visible, 25);
  assert.equal(after.queues.counts(after.find("dead")).visible, 0);
  after.tasks.stop();
});

test("a task fails where a message goes nowhere, and can be cancelled", async () => {
  const { clock, queues, tasks, make, find, send, task } = await open();
  for (const title of ["dead", "there"]) make(title);
  send("dead", 3);
  tasks.begin(find("dead"), {});
  await clock.advance(limits.moveLookMs);
  assert.deepEqual([task().state, task().failure], ["FAILED", "CouldNotDetermineMessageSource"]);
  const destinationArn = queues.arnOf(find("there"));
  const { id } = tasks.begin(find("dead"), { destinationArn, perSecond: 1 });
  await clock.advance(10);
  assert.equal(tasks.cancel(find("dead"), id), 1);
  await clock.advance(5 * limits.moveLookMs);
  assert.deepEqual([task().moved, task().state], [1, "CANCELLED"]);
  assert.throws(() => tasks.cancel(find("dead"), id), { awsCode: "ResourceNotFoundException" });
  tasks.stop();
});
