import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { readyStatus, type TaskStatus } from "#/model/task.ts";
import type { Batch, SharedLog, SpaceLog } from "../log.ts";
import { MemoryLog } from "./memory.ts";
import { PostgresLog } from "./postgres.ts";
import { SqliteLog } from "./sqlite.ts";

/** What a batch does to a task, where it can: one that is live ends or is dropped, one that has ended comes back. */
type Deed = "end" | "fail" | "restore" | "delete";

const steps = 2;
const tasksPerStep = 40;

/** Batches that a space could have made: revisions grow, serials are given in order. */
class Author {
  #records = new Map<string, { record: AnyRecord; isLive: boolean }>();
  #serial = 0;
  #sequence = 0;

  begin(): Batch {
    const changes: Change[] = [];
    for (let at = 0; at < steps * tasksPerStep; at++) {
      const name = `j1/${at % steps}/${Math.floor(at / steps)}`;
      const record: AnyRecord = {
        kind: "task",
        project: at % 7 === 0 ? "other" : "default",
        serial: ++this.#serial,
        name,
        revision: 1,
        spec: { input: "1" },
        status: readyStatus,
      };
      this.#records.set(name, { record, isLive: true });
      changes.push({ op: "put", record });
    }
    return this.#batch(changes);
  }

  next(deeds: readonly { step: number; index: number; deed: Deed }[]): Batch {
    const changes: Change[] = [];
    for (const { step, index, deed } of deeds) {
      const known = this.#records.get(`j1/${step}/${index}`);
      if (!known || known.isLive === (deed === "restore")) continue;
      const op = deed === "end" || deed === "fail" ? "archive" : deed;
      const record = {
        ...known.record,
        revision: known.record.revision + 1,
        status: statusAfter(deed),
      } as AnyRecord;
      if (op === "delete") this.#records.delete(record.name);
      else this.#records.set(record.name, { record, isLive: op === "restore" });
      changes.push({ op, record });
    }
    return this.#batch(changes);
  }

  #batch(changes: Change[]): Batch {
    return { sequence: ++this.#sequence, serial: this.#serial, changes };
  }
}

function statusAfter(deed: Deed): TaskStatus {
  if (deed === "restore") return readyStatus;
  return deed === "fail" ? { phase: "failed" } : { phase: "succeeded", result: "1" };
}

/** Runs of tasks of one step, as they end in life, with single ones between. */
const deeds = fc
  .array(
    fc.record({
      step: fc.nat(steps - 1),
      from: fc.nat(tasksPerStep),
      count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: tasksPerStep })),
      deed: fc.constantFrom<Deed>("end", "end", "end", "fail", "restore", "delete"),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((runs) =>
    runs.flatMap(({ step, from, count, deed }) =>
      Array.from({ length: count }, (_, at) => ({ step, index: from + at, deed })),
    ),
  );

async function all(log: SpaceLog) {
  const names = Array.from({ length: steps * tasksPerStep }, (_, at) => `j1/${at % steps}/${at}`);
  const lists = [
    { prefix: "j1/", limit: 1000 },
    { prefix: "j1/1/", limit: 7 },
    { prefix: "j1/0/", phase: "succeeded", limit: 1000 },
    { prefix: "j1/", phase: "failed", limit: 1000 },
    { project: "other", limit: 1000 },
  ];
  return {
    found: await log.find("task", names),
    lists: await Promise.all(lists.map((options) => log.archived("task", options))),
    changes: (await log.read(0, 1000)).map(({ changes, ...batch }) => ({
      ...batch,
      // in a batch, tasks that ended together stand in the order of their serials
      changes: changes.toSorted(
        (a, b) => a.record.serial - b.record.serial || a.record.revision - b.record.revision,
      ),
    })),
  };
}

/** That a log gives what one in memory gives, whatever happens to tasks. */
async function assertSame(
  make: () => { log: SpaceLog; follower?: SharedLog },
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(deeds, { minLength: 1, maxLength: 6 }), async (batches) => {
      const memory = new MemoryLog();
      const { log, follower } = make();
      const author = new Author();
      for (const each of [memory, log]) await each.load();
      await follower?.follow();
      for (const batch of [author.begin(), ...batches.map((batch) => author.next(batch))]) {
        await memory.append(batch);
        await log.append(batch);
        const expected = await all(memory);
        assert.deepEqual(await all(log), expected);
        // A leader may remember what it wrote; one that follows must find it.
        if (follower) assert.deepEqual(await all(follower), expected);
      }
      await follower?.close();
      await log.close();
    }),
    { numRuns },
  );
}

test("SQLite, which packs ended tasks, gives what a log in memory gives", async () => {
  await assertSame(() => ({ log: new SqliteLog(":memory:", { durability: "normal" }) }), 150);
});

test(
  "PostgreSQL gives what a log in memory gives",
  { skip: postgresMissing ?? false },
  async () => {
    const server = await PostgresServer.start();
    let schemas = 0;
    try {
      const open = () => {
        const servers = new PostgresServers(`${server.url}?schema=s${++schemas}`);
        return { log: new PostgresLog(servers), follower: new PostgresLog(servers) };
      };
      await assertSame(open, 20);
    } finally {
      server.destroy();
    }
  },
);
