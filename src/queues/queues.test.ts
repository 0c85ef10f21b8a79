import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { QueueRecord } from "#/model/queue.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { openQueues } from "./testing/open-queues.ts";

const senderId = "111122223333";

test("receive() gives a message to one only, and again when it was not deleted in time", async () => {
  const { queues, clock, make, take, bodies } = await openQueues();
  const queue = make("q");
  queues.send(queue, { body: "a", senderId });
  const [first] = await take(queue);
  assert.equal(first!.body, "a");
  assert.deepEqual(await bodies(queue), []);
  await clock.advance(30_000);
  const [second] = await take(queue);
  assert.equal(second!.receives, 2);
  queues.delete(queue, second!.handle);
  await clock.advance(60_000);
  assert.deepEqual(await bodies(queue), []);
  queues.delete(queue, second!.handle); // once more is nothing
});

test("changeVisibility() gives more time, or gives it back at once", async () => {
  const { queues, clock, make, take, bodies } = await openQueues();
  const queue = make("q");
  queues.send(queue, { body: "a", senderId });
  const handle = (await take(queue))[0]!.handle;
  queues.changeVisibility(queue, handle, 100);
  await clock.advance(60_000);
  assert.deepEqual(await bodies(queue), []);
  queues.changeVisibility(queue, handle, 0);
  assert.throws(() => queues.changeVisibility(queue, handle, 5), { awsCode: "MessageNotInflight" });
  assert.deepEqual(await bodies(queue), ["a"]);
  assert.throws(() => queues.delete(queue, "what?"), { awsCode: "ReceiptHandleIsInvalid" });
});

test("messages, who has them and how often outlive a restart", async () => {
  const log = new MemoryLog();
  const clock = new ManualClock();
  const before = await openQueues(log, clock);
  const queue = before.make("q");
  for (const body of ["a", "b"]) before.queues.send(queue, { body, senderId });
  const { handle } = (await before.take(queue, 1))[0]!;
  void before.space.close();
  await clock.advance(100);
  const after = await openQueues(log, clock);
  assert.deepEqual(after.queues.counts(queue), { visible: 1, inFlight: 1, delayed: 0 });
  assert.deepEqual(await after.bodies(queue), ["b"]);
  after.queues.delete(queue, handle);
  await clock.advance(31_000);
  assert.deepEqual(await after.bodies(queue), ["b"]);
});

test("a message that comes back too often goes to the dead letters, with where it came from", async () => {
  const { queues, clock, make, bodies } = await openQueues();
  const dead = make("dead");
  const queue = make("q", { redrive: { deadLetterArn: queues.arnOf(dead), receivesMax: 2 } });
  queues.send(queue, { body: "a", senderId });
  for (const expected of [["a"], ["a"], []]) {
    assert.deepEqual(await bodies(queue), expected);
    await clock.advance(31_000);
  }
  const [received] = await queues.receive(dead, { max: 1, visibilitySeconds: 1, waitMs: 0 });
  assert.equal(received!.record.spec.body, "a");
  assert.equal(received!.record.spec.sourceArn, "arn:aws:sqs:us-east-1:111122223333:q");
  assert.deepEqual(queues.counts(queue), { visible: 0, inFlight: 0, delayed: 0 });
});

test("a delayed message is hidden for its time, and one that waits for a message gets it then", async () => {
  const { queues, clock, make } = await openQueues();
  const queue = make("q");
  queues.send(queue, { body: "late", senderId, delaySeconds: 5 });
  assert.deepEqual(queues.counts(queue), { visible: 0, inFlight: 0, delayed: 1 });
  const waiting = queues.receive(queue, { max: 1, visibilitySeconds: 30, waitMs: 20_000 });
  await clock.advance(5_001);
  assert.equal((await waiting)[0]!.record.spec.body, "late");
  const none = queues.receive(queue, { max: 1, visibilitySeconds: 30, waitMs: 20_000 });
  await clock.advance(20_001);
  assert.deepEqual(await none, []);
});

test("a queue in order gives a group's next message only when the one before is gone, and takes none twice", async () => {
  const { queues, clock, make, take, bodies } = await openQueues();
  const queue = make("q.fifo");
  const send = (body: string, groupId: string) => queues.send(queue, { body, groupId, senderId });
  const first = send("a1", "a");
  send("a2", "a");
  send("b1", "b");
  assert.equal(send("a1", "a").spec.id, first.spec.id);
  const [a1] = await take(queue, 1);
  assert.equal(a1!.body, "a1");
  assert.deepEqual(await bodies(queue), ["b1"]);
  queues.delete(queue, a1!.handle);
  assert.equal(send("a1", "a").spec.id, first.spec.id, "also when it is deleted by now");
  assert.deepEqual(await bodies(queue), ["a2"]);
  await clock.advance(limits.dedupMs + 1);
  assert.notEqual(send("a1", "a").spec.id, first.spec.id);
});

test("a group gives nothing while one of its messages is out, whichever it is, and goes on in order", async () => {
  const { queues, clock, make, take, bodies } = await openQueues();
  const queue = make("q.fifo");
  for (const body of ["1", "2", "3"]) queues.send(queue, { body, groupId: "a", senderId });
  const [one, two] = await take(queue, 2);
  queues.changeVisibility(queue, one!.handle, 0);
  assert.deepEqual(await bodies(queue), []);
  queues.delete(queue, two!.handle);
  const again = await take(queue, 10);
  assert.deepEqual(
    again.map(({ body }) => body),
    ["1", "3"],
  );
  assert.throws(() => queues.delete(queue, one!.handle), { awsCode: "InvalidParameterValue" });
  await clock.advance(31_000);
  assert.deepEqual(await bodies(queue), ["1", "3"]);
});

test("what is too old is removed by itself, and forgotten messages of queues in order too", async () => {
  const { queues, space, clock, make, take } = await openQueues();
  const [plain, ordered] = [make("q"), make("q.fifo")];
  queues.start();
  queues.send(plain, { body: "a", senderId });
  queues.send(ordered, { body: "a", groupId: "g", senderId });
  const { handle } = (await take(ordered))[0]!;
  queues.delete(ordered, handle);
  assert.equal([...space.all("message")].length, 2);
  await clock.advance(limits.dedupMs + limits.queueLookMs);
  assert.equal([...space.all("message")].length, 1);
  await clock.advance(3_600_000);
  assert.equal([...space.all("message")].length, 0);
  queues.stop();
});

test("purge() and remove() leave no message, and purge() is not to be done twice in a minute", async () => {
  const { queues, space, clock, make } = await openQueues();
  const queue = make("q");
  queues.send(queue, { body: "a", senderId });
  await clock.advance(1);
  queues.purge(queue);
  assert.throws(() => queues.purge(queues.find("default", "q")!), {
    awsCode: "PurgeQueueInProgress",
  });
  queues.send(queue, { body: "b", senderId });
  queues.remove(queue);
  assert.equal([...space.all("message")].length, 0);
  assert.equal(queues.find("default", "q"), undefined);
});

test("what a project holds is bounded, attributes too, leaves room for others, and is free again with the queue", async () => {
  const { queues, make } = await openQueues();
  const attributes = { a: { type: "String", text: "x".repeat(2 ** 20) } };
  const fill = (queue: QueueRecord) => {
    for (let sent = 0; sent < 400; sent++)
      try {
        queues.send(queue, { body: "b", attributes, senderId });
      } catch (thrown) {
        assert.equal((thrown as { awsCode?: string }).awsCode, "OverLimit");
        return sent;
      }
    return 400;
  };
  const queue = make("q");
  const alone = fill(queue);
  assert.ok(alone > 250 && alone <= 256, String(alone));
  const other = queues.create("other", queue.spec);
  const beside = fill(other);
  assert.ok(beside > 120 && beside <= 128, String(beside));
  queues.remove(other);
  queues.remove(queue);
  assert.equal(fill(make("again")), alone);
});

test("counts() tells those that are there, out, and delayed, at each time", async () => {
  const { queues, clock, make, take } = await openQueues();
  for (const queue of [make("q"), make("q.fifo")]) {
    const counts = () => Object.values(queues.counts(queue)).join(" ");
    const group = queue.spec.isFifo ? { groupId: "g" } : {};
    queues.send(queue, { body: "a", senderId, ...group });
    queues.send(queue, { body: "b", senderId, ...group, delaySeconds: 10 });
    assert.equal(counts(), "1 0 1");
    const [first] = await take(queue);
    assert.equal(counts(), "0 1 1");
    await clock.advance(10_000);
    assert.equal(counts(), "1 1 0");
    queues.changeVisibility(queue, first!.handle, 60);
    await clock.advance(20_001);
    assert.equal(counts(), "1 1 0");
    queues.changeVisibility(queue, first!.handle, 0);
    assert.equal(counts(), "2 0 0");
    const [again] = await take(queue, 1);
    queues.delete(queue, again!.handle);
    assert.equal(counts(), "1 0 0");
    await clock.advance(60_000);
    assert.equal(counts(), "1 0 0");
  }
});
