import assert from "node:assert/strict";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import type { QueueRecord, QueueSpec } from "#/model/queue.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Queues } from "../queues.ts";

/** Queues over a log in memory, under a clock that stands until it is moved. */
export async function openQueues(log = new MemoryLog(), clock = new ManualClock()) {
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const queues = new Queues({ space, clock, random, log: silent, region: "us-east-1" });
  const make = (title: string, more: Partial<QueueSpec> = {}): QueueRecord =>
    queues.create("default", {
      title,
      accountId: "111122223333",
      createdAt: clock.now(),
      changedAt: clock.now(),
      visibilitySeconds: 30,
      delaySeconds: 0,
      retentionSeconds: 3600,
      waitSeconds: 0,
      messageBytesMax: 1000,
      isFifo: title.endsWith(".fifo"),
      isDedupedByContent: true,
      dedupScope: "queue",
      throughputLimit: "perQueue",
      isSseManaged: true,
      ...more,
    });
  const take = async (queue: QueueRecord, max = 10, visibilitySeconds = 30) =>
    (await queues.receive(queue, { max, visibilitySeconds, waitMs: 0 })).map(
      ({ record, handle }) => ({
        body: record.spec.body,
        handle,
        receives: record.status.receives,
      }),
    );
  const bodies = async (queue: QueueRecord, max = 10) =>
    (await take(queue, max)).map(({ body }) => body);
  /** Opens what is on disk once more, as after a kill. */
  const reopen = async () => {
    void space.close();
    await clock.advance(100);
    return openQueues(log, clock);
  };
  return { queues, space, clock, reopen, make, take, bodies };
}
