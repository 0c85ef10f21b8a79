import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CanopyError, ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { TcpProxy } from "#/base/testing/tcp-proxy.ts";
import type { Batch } from "../../log.ts";
import { taskChange } from "../../testing/task-change.ts";
import { PostgresLog } from "../postgres.ts";

const skip = postgresMissing ?? false;
const server = skip ? undefined : await PostgresServer.start();
after(() => server?.destroy());

const open = (url: string) => new PostgresLog(new PostgresServers(url));
const at = (parameters: string, database = "postgres", user = "postgres") =>
  `postgres://${user}@${server!.host}/${database}?${parameters}`;

/** That a log is refused at the start, with this code and these words. */
async function assertRefused(url: string, code: ErrorCode, words: RegExp): Promise<void> {
  const log = open(url);
  await assert.rejects(log.load(), (error: CanopyError) => {
    assert.equal(error.code, code, String(error.stack));
    assert.match(error.message, words);
    assert.ok(error.hint !== undefined, "it says what to do");
    if (code === "damaged") assert.match(error.hint, /canopy doctor --log postgres:/);
    return true;
  });
  await log.close();
}

const batch = (sequence: number): Batch => ({
  sequence,
  serial: sequence,
  changes: [taskChange("put", sequence)],
});

describe("a PostgreSQL that cannot be used is refused at start", { skip }, () => {
  test("one that is too old, by its version", async () => {
    const proxy = await TcpProxy.start(server!.port);
    // The length of a column, then its text.
    const version = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from(text)]);
    proxy.onAnswer = (answer) => {
      const place = answer.indexOf(version("15"));
      if (place >= 0) version("14").copy(answer, place);
      return answer;
    };
    await assertRefused(
      `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
      "unavailable",
      /version 15 or newer: current value is version 14/,
    );
    proxy.close();
  });

  test("one that takes no writes", async () => {
    await server!.sql("CREATE DATABASE readonly");
    await server!.sql("ALTER DATABASE readonly SET default_transaction_read_only = on");
    await assertRefused(at("", "readonly"), "unavailable", /must take writes/);
    const standby = await server!.addStandby(false);
    await assertRefused(standby.url, "unavailable", /must take writes.*standby/);
    standby.destroy();
  });

  test("one that is slow", async () => {
    const proxy = await TcpProxy.start(server!.port);
    proxy.onSend = (sent) => sleep(sent.includes("'opened'") ? limits.postgresCommitMsMax + 50 : 0);
    await assertRefused(
      `postgres://postgres@127.0.0.1:${proxy.port}/postgres?schema=slow`,
      "unavailable",
      /must commit within 1000 ms: it takes \d+ ms/,
    );
    proxy.close();
  });

  test("one whose synchronous standby is away", async () => {
    const log = open(at("schema=alone"));
    await log.follow();
    await log.close();
    await server!.waitForStandby();
    await assertRefused(
      at("schema=alone"),
      "unavailable",
      /must commit within 1000 ms: it takes more than 3000 ms/,
    );
    await server!.waitForStandby(false);
  });

  test("one that is not there, or lets nobody in, or lacks the database", async () => {
    await assertRefused("postgres://postgres@127.0.0.1:1/postgres", "unavailable", /Cannot reach/);
    await assertRefused(at("", "postgres", "nobody"), "unauthenticated", /let nobody in/);
    await assertRefused(at("", "elsewhere"), "not-found", /no database 'elsewhere'/);
  });

  test("one where the user has no rights", async () => {
    await server!.sql("CREATE ROLE guest LOGIN");
    await assertRefused(
      at("", "postgres", "guest"),
      "forbidden",
      /must have all rights on: schema canopy/,
    );
    const log = open(at("schema=owned"));
    await log.load();
    await log.close();
    await server!.sql("GRANT USAGE ON SCHEMA owned TO guest");
    await server!.sql("GRANT SELECT ON ALL TABLES IN SCHEMA owned TO guest");
    await assertRefused(
      at("schema=owned", "postgres", "guest"),
      "forbidden",
      /must have all rights on: meta, leader/,
    );
  });

  test("tables of another cell, of another version, or of another program", async () => {
    const log = open(at("schema=theirs&cell=red"));
    await log.load();
    await log.close();
    await assertRefused(
      at("schema=theirs&cell=blue"),
      "conflict",
      /cell must be 'blue': current value is 'red'/,
    );
    await server!.sql("UPDATE theirs.meta SET value = '99' WHERE key = 'format'");
    await assertRefused(
      at("schema=theirs&cell=red"),
      "conflict",
      /format must be 1: current value is '99'/,
    );
    await server!.sql("CREATE SCHEMA shop; CREATE TABLE shop.archive (id int)");
    await assertRefused(
      at("schema=shop"),
      "conflict",
      /must be Canopy's: current value is a schema with 'archive' in it/,
    );
    await server!.sql("CREATE SCHEMA zoo; CREATE TABLE zoo.meta (id int)");
    await assertRefused(at("schema=zoo"), "conflict", /must be Canopy's/);
  });

  test("an address that cannot be meant", () => {
    for (const [address, words] of [
      ["mysql://host/db", /postgres:\/\/user/],
      ["postgres://host:0/db", /port/],
      ["postgres://host/db?sslmode=maybe", /sslmode/],
      ["postgres://host/db?color=red", /parameters/],
      ['postgres://host/db?schema=a"b', /schema/],
      ["postgres://host/db?target_session_attrs=standby", /target_session_attrs/],
    ] as const)
      assert.throws(
        () => open(address),
        (error: CanopyError) => {
          assert.equal(error.code, "invalid");
          assert.match(error.message, words);
          return true;
        },
      );
    assert.throws(
      () => open("postgres://me:secret@host:x/db"),
      (error: CanopyError) => {
        assert.ok(!error.message.includes("secret"), error.message);
        return true;
      },
    );
  });
});

test("several control planes that start at once make the tables once", { skip }, async () => {
  const logs = Array.from({ length: 5 }, () => open(at("schema=atonce")));
  await Promise.all(logs.map((log) => log.follow()));
  const epochs = await Promise.all(logs.map((log) => log.lead("http://one")));
  assert.deepEqual(
    epochs.filter((epoch) => epoch !== undefined),
    [1],
  );
  await Promise.all(logs.map((log) => log.close()));
});

describe("a log in PostgreSQL that is damaged", { skip }, () => {
  const faults: [what: string, sql: string, words: RegExp][] = [
    [
      "a batch is missing",
      "DELETE FROM $.changes WHERE sequence = 3",
      /batches 1 to 5 .* batch 3 is missing/,
    ],
    [
      "the newest batch is missing",
      "DELETE FROM $.changes WHERE sequence = 5",
      /newest batch must be 5: it is 4/,
    ],
    [
      "a batch was altered",
      "UPDATE $.changes SET body = replace(body, 'j1', 'j2') WHERE sequence = 2",
      /batch 2 of its changes is damaged/,
    ],
    ["a record is missing", "DELETE FROM $.live WHERE serial = 4", /must be 5 .*: there are 4/],
    [
      "a record is no JSON",
      "UPDATE $.live SET body = left(body, 20) WHERE serial = 4",
      /record 4 is damaged/,
    ],
    [
      "a record stands in the place of another",
      "UPDATE $.live SET body = (SELECT body FROM $.live WHERE serial = 2) WHERE serial = 4",
      /record 4 is damaged: it says to be record 2/,
    ],
    ["nobody knows who leads", "DELETE FROM $.leader", /who leads is missing/],
    ["nothing tells it from other logs", "DELETE FROM $.meta WHERE key = 'id'", /must have an id/],
  ];
  for (const [index, [what, sql, words]] of faults.entries()) {
    test(`stops the start and names what is damaged: ${what}`, async () => {
      const schema = `damaged${index}`;
      const log = open(at(`schema=${schema}`));
      await log.load();
      for (let sequence = 1; sequence <= 5; sequence++) await log.append(batch(sequence));
      await log.close();
      await server!.sql(sql.replaceAll("$", schema));
      await assertRefused(at(`schema=${schema}`), "damaged", words);
    });
  }
});

test(
  "read() after a batch that another took the place of throws 'not-found'",
  { skip },
  async () => {
    const [leader, follower] = [open(at("schema=other")), open(at("schema=other"))];
    await leader.load();
    await leader.append(batch(1));
    await follower.follow();
    await leader.append(batch(2));
    assert.deepEqual(await follower.read(1, 9), [batch(2)]);
    assert.deepEqual(await follower.read(2, 9), []);
    // As when a server was lost with a batch that no standby had, and another was appended after that.
    await server!.sql(`
    UPDATE other.changes SET body = replace(body, 'j1', 'j2') WHERE sequence = 2;
    UPDATE other.changes SET digest = md5(body)::uuid WHERE sequence = 2`);
    await leader.append(batch(3));
    await assert.rejects(follower.read(2, 9), (error: CanopyError) => error.code === "not-found");
    assert.equal((await follower.follow()).sequence, 3);
    assert.deepEqual(await follower.read(3, 9), []);
    await Promise.all([leader.close(), follower.close()]);
  },
);

describe("PostgreSQL with a full disk", { skip }, () => {
  test("append() throws 'no-space' having written nothing, and goes on when there is room", async () => {
    const log = open(at("schema=full"));
    await log.load();
    await log.append(batch(1));
    await server!.sql(`
      CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
      END $$;
      CREATE TRIGGER full_disk BEFORE INSERT ON "full".live EXECUTE FUNCTION full_disk()`);
    await assert.rejects(log.append(batch(2)), (error: CanopyError) => error.code === "no-space");
    assert.deepEqual(await log.read(1, 9), []);
    await server!.sql(`DROP TRIGGER full_disk ON "full".live`);
    await log.append(batch(2));
    assert.deepEqual(await log.read(1, 9), [batch(2)]);
    await log.close();
  });
});
