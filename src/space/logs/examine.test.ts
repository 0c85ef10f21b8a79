import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import type { AnyRecord } from "#/model/record.ts";
import type { SpaceLog } from "../log.ts";
import { taskChange, taskChanges } from "../testing/task-change.ts";
import type { LogFault, Mendable } from "./examination.ts";
import { examinePostgres } from "./postgres/examine.ts";
import { repairPostgres } from "./postgres/repair.ts";
import { PostgresLog } from "./postgres.ts";
import { examineSqlite } from "./sqlite/examine.ts";
import { repairSqlite } from "./sqlite/repair.ts";
import { SqliteLog } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-examine-"));
const server = postgresMissing === undefined ? await PostgresServer.start() : undefined;
after(() => {
  rmSync(folder, { recursive: true });
  server?.destroy();
});
let count = 0;

/** Six batches of five live tasks and one that failed. */
async function fill(log: SpaceLog): Promise<void> {
  await log.load();
  for (let sequence = 1; sequence <= 6; sequence++) {
    const first = (sequence - 1) * 6 + 1;
    await log.append({ sequence, serial: first + 5, changes: taskChanges(first, 5) });
  }
  await log.close();
}

/** A log of one kind that is filled, damaged, examined and repaired. */
interface Patient {
  run(sql: string): Promise<void>;
  examine(): Promise<{ faults: LogFault[]; seen: AnyRecord[] }>;
  repair(mends: Mendable[]): Promise<string[]>;
  open(): SpaceLog;
}

async function sqlitePatient(): Promise<Patient> {
  const file = join(folder, `${++count}.db`);
  await fill(new SqliteLog(file));
  return {
    async run(sql) {
      const database = new DatabaseSync(file);
      database.exec(sql);
      database.close();
    },
    async examine() {
      const seen: AnyRecord[] = [];
      const faults = examineSqlite(file, (record) => void seen.push(record));
      assert.ok(faults !== "in-use");
      return { faults, seen };
    },
    repair: async (mends) => repairSqlite(file, new Set(mends)),
    open: () => new SqliteLog(file),
  };
}

async function postgresPatient(): Promise<Patient> {
  const schema = `examined${++count}`;
  const servers = new PostgresServers(`${server!.url}?schema=${schema}`);
  await fill(new PostgresLog(servers));
  const connected = async <T>(
    work: (connection: Awaited<ReturnType<typeof servers.connect>>) => Promise<T>,
  ) => {
    const connection = await servers.connect();
    try {
      return await work(connection);
    } finally {
      connection.destroy();
    }
  };
  return {
    run: async (sql) => void (await server!.sql(`SET search_path = ${schema}; ${sql}`)),
    async examine() {
      const seen: AnyRecord[] = [];
      const onRecord = (record: AnyRecord) => void seen.push(record);
      const faults = await connected((one) => examinePostgres(one, schema, onRecord));
      return { faults, seen };
    },
    repair: (mends) => connected((one) => repairPostgres(one, schema, new Set(mends))),
    open: () => new PostgresLog(servers),
  };
}

const damages: { what: string; sql: string; details: RegExp[]; mend?: Mendable; lost?: number }[] =
  [
    {
      what: "batches are missing",
      sql: "DELETE FROM changes WHERE sequence IN (2, 4)",
      details: [/^Batch 2 of the changes is missing$/, /^Batch 4 of the changes is missing$/],
      mend: "changes",
    },
    {
      what: "the newest batch is missing",
      sql: "DELETE FROM changes WHERE sequence = 6",
      details: [/^The newest batches are missing: they end at record 30$/],
      mend: "changes",
    },
    {
      what: "a batch is damaged",
      sql: "UPDATE changes SET body = '[' WHERE sequence = 3",
      details: [/^Batch 3 of the changes is damaged: /],
      mend: "changes",
    },
    {
      what: "tasks are not found by name",
      sql: "UPDATE extents SET serial = serial + 1",
      details: [
        ...Array.from({ length: 5 }, () => /^The task j1\/0\/\d+ is not found by its name$/),
        /^There are more of that sort$/,
      ],
      mend: "names",
    },
    {
      what: "a record is live and archived",
      sql: "INSERT INTO archive SELECT serial, 'task', NULL, 'default', 'failed', body FROM live WHERE serial = 7",
      details: [/^Record 7 is live and archived$/],
      mend: "twice",
    },
    {
      what: "records are damaged",
      sql: `UPDATE live SET body = substr(body, 1, 30) WHERE serial = 9;
            UPDATE archive SET body = (SELECT body FROM live WHERE serial = 3) WHERE serial = 12`,
      details: [/^Record 9 is damaged: /, /^Record 12 is damaged: it says to be record 3$/],
      lost: 2,
    },
  ];

for (const [kind, make] of [
  ["SQLite", sqlitePatient],
  ["PostgreSQL", postgresPatient],
] as const) {
  const skip = kind === "PostgreSQL" ? (postgresMissing ?? false) : false;
  describe(`examining a log in ${kind}`, { skip }, () => {
    test("finds nothing wrong with one that is whole, and sees every record", async () => {
      const { faults, seen } = await (await make()).examine();
      assert.deepEqual(faults, []);
      assert.equal(seen.length, 36);
    });

    for (const { what, sql, details, mend, lost = 0 } of damages)
      test(`tells, in the same words for each kind, that ${what}${mend ? ", and mends it" : ""}`, async () => {
        const patient = await make();
        await patient.run(sql);
        const { faults, seen } = await patient.examine();
        assert.equal(faults.length, details.length, JSON.stringify(faults));
        for (const [index, { detail, mend: said }] of faults.entries()) {
          assert.match(detail, details[index]!);
          assert.equal(said, mend);
        }
        assert.equal(seen.length, 36 - lost);
        if (!mend) return;
        const copies = await patient.repair([mend]);
        assert.ok(copies.length > 0, "it makes a copy");
        const again = await patient.examine();
        assert.deepEqual(again.faults, []);
        assert.equal(again.seen.length, 36);
        const log = patient.open();
        const { sequence, records } = await log.load();
        assert.equal([...records].length, 30);
        const [found] = await log.find("task", ["j1/0/36"]);
        assert.equal(found?.serial, 36);
        if (mend === "changes")
          await assert.rejects(log.read(3, 9), { code: "not-found" }, "watchers begin anew");
        await log.append({ sequence: sequence + 1, serial: 37, changes: [taskChange("put", 37)] });
        await log.close();
      });
  });
}

describe("examining a log in PostgreSQL", { skip: postgresMissing ?? false }, () => {
  const heads: [what: string, sql: string, detail: RegExp, mend: Mendable][] = [
    [
      "a record is missing",
      "DELETE FROM live WHERE serial = 8",
      /must be 30 live records: there are 29/,
      "count",
    ],
    ["nobody knows who leads", "DELETE FROM leader", /who leads.* is missing/, "leader"],
    [
      "an epoch is older than what was appended under it",
      "UPDATE leader SET epoch = 0",
      /newest epoch is said to be 0: there is 1/,
      "leader",
    ],
    [
      "a batch is newer than the newest",
      "UPDATE leader SET sequence = 5, serial = 30",
      /newest batch is said to be 5: there is 6/,
      "leader",
    ],
    [
      "nothing tells it from others",
      "DELETE FROM meta WHERE key = 'id'",
      /from any other is missing/,
      "leader",
    ],
  ];
  for (const [what, sql, detail, mend] of heads)
    test(`tells that ${what}, and mends it`, async () => {
      const patient = await postgresPatient();
      await patient.run(sql);
      const { faults } = await patient.examine();
      assert.ok(
        faults.some((fault) => detail.test(fault.detail) && fault.mend === mend),
        JSON.stringify(faults),
      );
      assert.deepEqual(new Set(faults.map((fault) => fault.mend)), new Set([mend]));
      await patient.repair([mend]);
      assert.deepEqual((await patient.examine()).faults, []);
      const log = patient.open();
      const { sequence, serial, epoch } = await log.load();
      assert.deepEqual([sequence, serial], [6, 36]);
      if (mend === "leader") assert.ok(epoch > 10_000, "above any epoch that there may have been");
      await log.close();
    });

  test("tells that an index lacks rows, and builds it again", async () => {
    const patient = await postgresPatient();
    // What is written while an index is not ready does not get into it.
    await patient.run(`
      UPDATE pg_index SET indisready = false WHERE indexrelid = 'archive_unhappy'::regclass;
      UPDATE archive SET phase = 'cancelled' WHERE serial = 18;
      UPDATE pg_index SET indisready = true WHERE indexrelid = 'archive_unhappy'::regclass`);
    const { faults } = await patient.examine();
    assert.deepEqual(faults, [
      { detail: "The indexes of 'archive' must find its 6 rows: they find 5", mend: "indexes" },
    ]);
    assert.deepEqual(await patient.repair(["indexes"]), []);
    assert.deepEqual((await patient.examine()).faults, []);
  });

  test("repairs nothing while someone leads, and deposes who led before", async () => {
    const patient = await postgresPatient();
    const log = patient.open();
    await log.load();
    await assert.rejects(patient.repair(["changes"]), {
      code: "conflict",
      message: /nobody may lead meanwhile: .* leads under epoch 2, heard \d+ ms ago/,
    });
    const { faults } = await patient.examine(); // which may be done at any time
    assert.deepEqual(faults, []);
    await patient.run("UPDATE leader SET heard = heard - interval '1 minute'");
    await patient.repair(["changes"]);
    const late = { sequence: 7, serial: 37, changes: [taskChange("put", 37)] };
    await assert.rejects(log.append(late), { name: "Deposed" });
    await log.close();
  });
});
