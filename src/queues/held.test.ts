import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { QueueRecord } from "#/model/queue.ts";
import type { Space } from "#/space/space.ts";
import { openQueues } from "./testing/open-queues.ts";

const senderId = "111122223333";

/** Commits that delete messages, by how many. */
function deletions(space: Space): number[] {
  const pieces: number[] = [];
  space.onApplied((changes) => {
    const deleted = changes.filter(
      ({ op, record }) => op === "delete" && record.kind === "message",
    );
    if (deleted.length > 0) pieces.push(deleted.length);
  });
  return pieces;
}

const many = 2 * limits.queueSweepMax + 10;

for (const way of ["purge", "remove"] as const)
  test(`${way}() of very many messages is seen at once, and its records go in pieces, after a restart too`, async () => {
    const { queues, space, clock, make, bodies, reopen } = await openQueues();
    const queue = make("q");
    for (let index = 0; index < many; index++) queues.send(queue, { body: "old", senderId });
    const pieces = deletions(space);
    queues[way](queue);
    if (way === "remove") assert.throws(() => make("q"), { awsCode: "QueueDeletedRecently" });
    await clock.advance(limits.queueNameRestsMs);
    const now = () => queues.find("default", "q") ?? make("q");
    assert.deepEqual(queues.counts(now()), { visible: 0, inFlight: 0, delayed: 0 });
    assert.deepEqual(await bodies(now()), []);
    queues.send(now(), { body: "new", senderId });
    assert.deepEqual(pieces, [limits.queueSweepMax]);
    const next = await reopen();
    const again = next.queues.find("default", "q")!;
    assert.deepEqual(next.queues.counts(again), { visible: 1, inFlight: 0, delayed: 0 });
    assert.deepEqual(await next.bodies(again), ["new"]);
    const rest = deletions(next.space);
    next.queues.start();
    await clock.advance(1000);
    assert.deepEqual(rest, [limits.queueSweepMax, 10]);
    assert.equal([...next.space.all("message")].length, 1);
    next.queues.stop();
  });

test("what is left over of a purged queue counts until it is gone, and is not taken back by anyone", async () => {
  const { queues, clock, make, take } = await openQueues();
  const queue = make("q");
  const text = { type: "String", text: "x".repeat(2 ** 16) };
  const send = (to: QueueRecord) => queues.send(to, { body: "b", attributes: { text }, senderId });
  for (let index = 0; index < limits.queueSweepMax + 1000; index++) send(queue);
  const [got] = await take(queue);
  queues.purge(queue);
  const purged = queues.find("default", "q")!;
  queues.delete(purged, got!.handle);
  assert.throws(() => queues.changeVisibility(purged, got!.handle, 5));
  const fill = () => {
    let sent = 0;
    for (; ; sent++)
      try {
        send(purged);
      } catch {
        return sent;
      }
  };
  const beside = fill();
  queues.start();
  await clock.advance(1000);
  const more = fill();
  assert.ok(beside > 2000 && more >= 450, `${beside}, then ${more}`);
  queues.stop();
});

test("a dead letter belongs to the queue that it comes into, however often that was purged", async () => {
  const { queues, clock, make, take, reopen } = await openQueues();
  const dead = make("dead");
  const redrive = { deadLetterArn: queues.arnOf(dead), receivesMax: 1 };
  const queue = make("q", { redrive });
  queues.purge(dead);
  queues.send(queue, { body: "a", senderId });
  await take(queue, 1, 1);
  await clock.advance(2000);
  assert.deepEqual(await take(queue), []);
  const next = await reopen();
  assert.deepEqual(await next.bodies(next.queues.find("default", "dead")!), ["a"]);
});
