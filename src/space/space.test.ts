import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { readyStatus } from "#/model/task.ts";
import type { Batch } from "./log.ts";
import { MemoryLog } from "./logs/memory.ts";
import { Space, type Transaction } from "./space.ts";

const fail = (error: unknown) => assert.fail(String(error));

async function openSpace(log = new MemoryLog(), onBroken: (error: unknown) => void = fail) {
  const clock = new ManualClock();
  return { clock, log, space: await Space.open({ log, clock, report: silent, onBroken }) };
}

const draft = (name: string, input = "1") =>
  ({ kind: "task", project: "default", name, spec: { input }, status: readyStatus }) as const;

test("commit() applies at once and is durable only after the log has it", async () => {
  const { space, clock } = await openSpace();
  let isDurable = false;
  const { value, durable } = space.commit((tx) => tx.put(draft("j/0/1")).revision);
  void durable.then(() => (isDurable = true));
  assert.equal(value, 1);
  assert.equal(space.get("task", "j/0/1")?.spec.input, "1");
  await Promise.resolve();
  assert.equal(isDurable, false);
  await clock.advance(1);
  assert.equal(isDurable, true);
  assert.equal(space.sequence, 1);
});

test("commit() changes nothing when its action throws", async () => {
  const { space, clock } = await openSpace();
  const failing = (tx: Transaction) => {
    tx.put(draft("j/0/1"));
    throw new CanopyError("conflict", "no");
  };
  assert.throws(() => space.commit(failing), CanopyError);
  await clock.advance(1);
  assert.equal(space.get("task", "j/0/1"), undefined);
  assert.equal(space.sequence, 0);
  assert.equal(space.commit((tx) => tx.put(draft("j/0/2")).serial).value, 1);
});

test("onStaged() adds to the very commit that changes records of its kind, or has it refused", async () => {
  const { space, clock, log } = await openSpace();
  space.onStaged("task", (tx, changes) => {
    for (const { op, record } of changes) {
      if (record.kind !== "task") continue;
      if (record.spec.input === "bad") throw new CanopyError("conflict", "no");
      const before = space.get("task", record.name)?.spec.input ?? "nothing";
      const spec = { input: `${op}: ${before} to ${record.spec.input}` };
      tx.put({ ...draft(`${record.name}/seen`), spec });
    }
  });
  space.commit((tx) => tx.put(draft("j/0/1")));
  space.commit((tx) => tx.put(draft("j/0/1", "2")));
  assert.throws(() => space.commit((tx) => tx.put(draft("j/0/2", "bad"))), CanopyError);
  assert.equal(space.get("task", "j/0/2"), undefined);
  await clock.advance(1);
  assert.deepEqual(
    (await log.read(0, 9)).flatMap(({ changes }) =>
      changes.map(({ record }) => record.kind === "task" && record.spec.input),
    ),
    ["1", "put: nothing to 1", "2", "put: 1 to 2"],
  );
});

test("a transaction sees its own changes, and one record changed twice is one change", async () => {
  const { space, clock, log } = await openSpace();
  space.commit((tx) => {
    tx.put(draft("j/0/1"));
    assert.equal(tx.get("task", "j/0/1")?.revision, 1);
    tx.put(draft("j/0/1", "2"));
    tx.put(draft("j/0/2"));
    tx.delete("task", "j/0/2");
    assert.equal(tx.get("task", "j/0/2"), undefined);
  });
  await clock.advance(1);
  assert.deepEqual(
    [...space.list("task", "j/0")].map(({ name, spec }) => [name, spec.input]),
    [["j/0/1", "2"]],
  );
  assert.equal((await log.read(0, 9)).length, 1);
});

test("a record that one commit changes more than once has one new revision", async () => {
  const { space, clock, log } = await openSpace();
  space.commit((tx) => {
    tx.put(draft("j/0/1", "1"));
    tx.put({ ...tx.get("task", "j/0/1")!, spec: { input: "2" } });
  });
  space.commit((tx) => {
    tx.put({ ...tx.get("task", "j/0/1")!, spec: { input: "3" } });
    tx.archive({ ...tx.get("task", "j/0/1")!, status: { phase: "failed" } });
  });
  await clock.advance(1);
  const changes = (await log.read(0, 9)).flatMap((batch) => batch.changes);
  assert.deepEqual(
    changes.map(({ op, record }) => [op, record.revision, record.spec]),
    [
      ["put", 1, { input: "2" }],
      ["archive", 2, { input: "3" }],
    ],
  );
});

test("commits of one turn, and of loops that they wake, become durable in one batch", async () => {
  const { space, clock, log } = await openSpace();
  let reacted = false;
  space.onApplied(() => {
    if (reacted) return;
    reacted = true;
    clock.soon(() => space.commit((tx) => tx.put(draft("j/0/3"))));
  });
  space.commit((tx) => tx.put(draft("j/0/1")));
  space.commit((tx) => tx.put(draft("j/0/2")));
  await clock.advance(1);
  const batches = await log.read(0, 9);
  assert.deepEqual(
    batches.map(({ changes }) => changes.map(({ record }) => record.name)),
    [["j/0/1", "j/0/2", "j/0/3"]],
  );
});

test("an archived record leaves memory, is found, and can be restored with its serial", async () => {
  const { space, clock } = await openSpace();
  space.commit((tx) => tx.put(draft("j/0/1")));
  space.commit((tx) => tx.archive({ ...space.get("task", "j/0/1")!, status: { phase: "failed" } }));
  assert.equal(space.get("task", "j/0/1"), undefined);
  assert.equal(space.count("task", "j/0"), 0);
  const finding = space.find("task", ["j/0/1"]);
  await clock.advance(1);
  const [found] = await finding;
  assert.deepEqual([found?.revision, found?.serial, found?.status], [2, 1, { phase: "failed" }]);
  space.commit((tx) => tx.put({ ...found!, status: readyStatus }));
  const restored = space.get("task", "j/0/1");
  assert.deepEqual([restored?.revision, restored?.serial], [3, 1]);
});

test("a full disk refuses commits with 'no-space', keeps what was pending, and goes on when there is space", async () => {
  const log = new MemoryLog();
  const append = log.append.bind(log);
  let isFull = true;
  log.append = async (batch: Batch) => {
    if (isFull) throw new CanopyError("no-space", "full");
    await append(batch);
  };
  const { space, clock } = await openSpace(log);
  let isDurable = false;
  void space.commit((tx) => tx.put(draft("j/0/1"))).durable.then(() => (isDurable = true));
  await clock.advance(1);
  assert.throws(
    () => space.commit((tx) => tx.put(draft("j/0/2"))),
    (error: CanopyError) => error.code === "no-space",
  );
  await clock.advance(5000);
  assert.equal(isDurable, false);
  isFull = false;
  await clock.advance(5000);
  assert.equal(isDurable, true);
  space.commit((tx) => tx.put(draft("j/0/2")));
  await clock.advance(1);
  assert.deepEqual(
    (await log.read(0, 9)).map(({ sequence }) => sequence),
    [1, 2],
  );
});

test("a log that fails otherwise breaks the space: nothing is acknowledged after it", async () => {
  const log = new MemoryLog();
  log.append = () => Promise.reject(new Error("EIO"));
  const broken: unknown[] = [];
  const { space, clock } = await openSpace(log, (error) => broken.push(error));
  let isDurable = false;
  void space.commit((tx) => tx.put(draft("j/0/1"))).durable.then(() => (isDurable = true));
  await clock.advance(5000);
  assert.equal(broken.length, 1);
  assert.equal(isDurable, false);
  assert.throws(
    () => space.commit(() => 0),
    (error: CanopyError) => error.code === "unavailable",
  );
});

/** A log whose disk takes until it is told. */
class SlowLog extends MemoryLog {
  finish = Promise.withResolvers<void>();

  override async append(batch: Batch): Promise<void> {
    await this.finish.promise;
    await super.append(batch);
  }
}

test("durable() asked while the last batch is being written waits for that one, and for no later one", async () => {
  const log = new SlowLog();
  const { space, clock } = await openSpace(log);
  const settled: string[] = [];
  const note = (name: string) => () => void settled.push(name);
  void space.commit((tx) => tx.put(draft("j/0/1"))).durable.then(note("first"));
  await clock.advance(1);
  void space.durable().then(note("reader"));
  void space.find("task", ["j/0/9"]).then(note("finder"));
  await clock.advance(1);
  assert.deepEqual(settled, []);
  log.finish.resolve();
  await clock.advance(1);
  assert.deepEqual(new Set(settled), new Set(["finder", "first", "reader"]));
});

test("a commit made while a batch is being written is told durable after that batch found the disk full", async () => {
  const log = new SlowLog();
  const { space, clock } = await openSpace(log);
  const first = space.commit((tx) => tx.put(draft("j/0/1")));
  await clock.advance(1);
  const second = space.commit((tx) => tx.put(draft("j/0/2")));
  log.finish.reject(new CanopyError("no-space", "full"));
  await clock.advance(1);
  assert.equal(space.sequence, 0);
  log.finish = Promise.withResolvers<void>();
  log.finish.resolve();
  await clock.advance(10_000);
  await Promise.all([first.durable, second.durable]);
  assert.equal(space.sequence, 1);
});

test("onDurable() tells batches in order, each after its commit's own promise is settled", async () => {
  const { space, clock } = await openSpace();
  const heard: number[] = [];
  space.onDurable(({ sequence }) => heard.push(sequence));
  for (let turn = 0; turn < 3; turn++) {
    space.commit((tx) => tx.put(draft(`j/0/${turn}`)));
    await clock.advance(1);
  }
  assert.deepEqual(heard, [1, 2, 3]);
});

test("a space opened again equals the one that was closed, whatever was done to it", async () => {
  const step = fc.record({
    op: fc.constantFrom("put", "archive", "delete", "restore"),
    name: fc.integer({ min: 0, max: 5 }).map((index) => `j/${index % 2}/${index}`),
    input: fc.string(),
    flush: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { space, clock, log } = await openSpace();
      const archived = new Map<string, NonNullable<ReturnType<typeof space.get<"task">>>>();
      for (const { op, name, input, flush } of steps) {
        const live = space.get("task", name);
        space.commit((tx) => {
          if (op === "put" && !archived.has(name)) tx.put(draft(name, input));
          else if (op === "delete") tx.delete("task", name);
          else if (op === "archive" && live) tx.archive(live);
          else if (op === "restore" && archived.has(name))
            tx.put({ ...archived.get(name)!, spec: { input } });
        });
        if (op === "archive" && live) archived.set(name, { ...live, revision: live.revision + 1 });
        else if (op === "restore") archived.delete(name);
        if (flush) await clock.advance(1);
      }
      await clock.advance(1);
      const again = await Space.open({ log, clock, report: silent, onBroken: fail });
      const sorted = (of: Space) => [...of.all("task")].sort((a, b) => a.serial - b.serial);
      assert.deepEqual(sorted(again), sorted(space));
      for (const [name, record] of archived)
        assert.deepEqual((await again.find("task", [name]))[0], record);
    }),
    { numRuns: 200 },
  );
});

test("hold() refuses commits with its reason until it is lifted; reading goes on", async () => {
  const { space } = await openSpace();
  space.commit((tx) => tx.put(draft("j/0/1")));
  space.hold(new CanopyError("no-space", "nearly full"));
  assert.throws(() => space.commit(() => 0), /nearly full/);
  assert.equal(space.count("task", "j/0"), 1);
  space.hold(undefined);
  space.commit((tx) => tx.put(draft("j/0/2")));
  assert.equal(space.count("task", "j/0"), 2);
});
