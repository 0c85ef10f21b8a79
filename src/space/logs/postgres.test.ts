import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { TcpProxy, type Cut } from "#/base/testing/tcp-proxy.ts";
import type { AnyRecord } from "#/model/record.ts";
import { readyStatus } from "#/model/task.ts";
import { Deposed, type Batch } from "../log.ts";
import { PostgresLog } from "./postgres.ts";

const skip = postgresMissing ?? false;
const servers: PostgresServer[] = [];
const proxies: TcpProxy[] = [];
after(() => {
  for (const proxy of proxies) proxy.close();
  for (const server of servers) server.destroy();
});
let schemas = 0;
const nextSchema = () => `schema=log${++schemas}`;

async function startServer(): Promise<PostgresServer> {
  const server = await PostgresServer.start();
  servers.push(server);
  return server;
}
if (!skip) await startServer();

async function proxyOf(server: PostgresServer): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  proxies.push(proxy);
  return proxy;
}

const open = (url: string) => new PostgresLog(new PostgresServers(url));
const through = (proxy: TcpProxy, schema: string) =>
  open(`postgres://postgres@127.0.0.1:${proxy.port}/postgres?${schema}`);

function task(serial: number): AnyRecord {
  return {
    kind: "task",
    project: "default",
    serial,
    name: `j1/0/${serial}`,
    revision: 1,
    spec: { input: `${serial}` },
    status: readyStatus,
  };
}

/** Batches of one new task each: sequence and serial are the same. */
const batch = (sequence: number): Batch => ({
  sequence,
  serial: sequence,
  changes: [{ op: "put", record: task(sequence) }],
});

/** In everything that is sent to append one. */
const appended = "j1/0/";

/** What a fresh opener finds is what was acknowledged: each batch once, in order, and what it made. */
async function assertHolds(url: string, count: number): Promise<void> {
  const log = open(url);
  const { sequence, records } = await log.follow();
  assert.equal(sequence, count);
  assert.deepEqual(
    [...records].map(({ serial }) => serial),
    Array.from({ length: count }, (_, at) => at + 1),
  );
  assert.deepEqual(
    await log.read(0, count + 1),
    Array.from({ length: count }, (_, at) => batch(at + 1)),
  );
  await log.close();
}

describe("append() to PostgreSQL", { skip }, () => {
  test("loses and doubles nothing when connections are cut before, in and after a commit", async () => {
    const server = servers[0]!;
    const proxy = await proxyOf(server);
    const cuts = fc.array(
      fc.constantFrom<Cut | "none">("unsent", "halved", "unanswered", "late", "none"),
      { minLength: 12, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(cuts, async (cuts) => {
        const schema = nextSchema();
        const log = through(proxy, schema);
        await log.load();
        for (const [index, cut] of cuts.entries()) {
          if (cut !== "none") void proxy.cutNext(cut, appended);
          await log.append(batch(index + 1));
          // What was held back arrives after all, behind what its successor did.
          if (index % 3 === 0) proxy.release();
        }
        proxy.release();
        await sleep(5);
        await assertHolds(`${server.url}?${schema}`, cuts.length);
        await log.close();
      }),
      { numRuns: 10 },
    );
  });

  test("loses and doubles nothing when all connections are cut at any moment", async () => {
    const server = servers[0]!;
    const proxy = await proxyOf(server);
    const schema = nextSchema();
    const log = through(proxy, schema);
    await log.load();
    let sequence = 0;
    const until = { done: false };
    const cutting = (async () => {
      // Longer each time that nothing came through, so that it does on a machine that is busy too.
      for (let [delayMs, before] = [0, 0]; !until.done; before = sequence) {
        await sleep(delayMs);
        proxy.cutAll();
        delayMs = sequence > before ? delayMs / 3 : delayMs + 7;
      }
    })();
    while (sequence < 80) await log.append(batch(++sequence));
    until.done = true;
    await cutting;
    await assertHolds(`${server.url}?${schema}`, 80);
    await log.close();
  });

  test("finds what landed before another led, and refuses with Deposed what did not", async () => {
    const server = servers[0]!;
    const proxy = await proxyOf(server);
    for (const [cut, lands] of [
      ["unanswered", true],
      ["unsent", false],
      ["late", false],
    ] as const) {
      const schema = nextSchema();
      const [first, second] = [through(proxy, schema), open(`${server.url}?${schema}`)];
      await first.load();
      await first.append(batch(1));
      const isCut = proxy.cutNext(cut, appended);
      const appending = first.append(batch(2));
      appending.catch(() => undefined); // looked at below
      await isCut;
      proxy.refuses = true;
      // As if this had taken long.
      await server.sql(`UPDATE log${schemas}.leader SET heard = heard - interval '1 hour'`);
      assert.equal(await second.lead("http://second"), 2);
      proxy.release();
      proxy.refuses = false;
      if (lands) await appending;
      else await assert.rejects(appending, Deposed);
      await assert.rejects(first.append(batch(3)), Deposed);
      const { sequence } = await second.follow();
      assert.equal(sequence, lands ? 2 : 1);
      await Promise.all([first.close(), second.close()]);
    }
  });

  test("an append that reaches the server behind its successor's turn changes nothing", async () => {
    const server = servers[0]!;
    const proxy = await proxyOf(server);
    const schema = nextSchema();
    const log = through(proxy, schema);
    await log.load();
    proxy.onSend = async (sent) => {
      if (!sent.includes(".append(")) return;
      // The new connection has taken its turn, and is about to append again: now the old one is heard.
      proxy.release();
      await sleep(20);
    };
    for (let sequence = 1; sequence <= 5; sequence++) {
      void proxy.cutNext("late", appended);
      await log.append(batch(sequence));
    }
    await assertHolds(`${server.url}?${schema}`, 5);
    await log.close();
  });

  test("waits while the server is killed and started again, and loses nothing that it acknowledged", async () => {
    const server = servers[0]!;
    const url = `${server.url}?${nextSchema()}`;
    const log = open(url);
    await log.load();
    let sequence = 0;
    const until = { done: false };
    const appending = (async () => {
      while (!until.done) await log.append(batch(++sequence));
    })();
    for (const end of ["immediate", "kill", "fast"] as const) {
      const before = sequence;
      while (sequence < before + 20) await sleep(5);
      await (end === "kill" ? server.kill() : server.stop(end));
      await sleep(100);
      await server.start();
    }
    until.done = true;
    await appending;
    await log.close();
    await assertHolds(url, sequence);
  });

  test("PostgresServers ends its connections to a server that was left behind", async () => {
    const primary = await startServer();
    const standby = await primary.addStandby(false);
    servers.push(standby);
    const both = new PostgresServers(
      `postgres://postgres@${primary.host},${standby.host}/postgres`,
    );
    const old = await both.connect();
    await standby.promote();
    assert.deepEqual(await old.query("SELECT pg_is_in_recovery() AS it"), [{ it: false }]);
    const newer = await both.connect();
    assert.deepEqual([old.isOpen, newer.isOpen], [false, true]);
    newer.destroy();
  });

  test("acknowledges nothing that only the primary has, not even when the primary is killed while it waits", async () => {
    const primary = await startServer();
    const standby = await primary.addStandby();
    servers.push(standby);
    const url = `${primary.url}?${nextSchema()}`;
    const log = open(url);
    await log.load();
    await log.append(batch(1));
    await standby.stop();
    let isDone = false;
    const appending = log.append(batch(2)).then(() => (isDone = true));
    await sleep(300);
    await primary.kill();
    await primary.start();
    // It is there, as the crash ended the wait: but for how long, nobody knows.
    await sleep(1000);
    assert.equal(isDone, false);
    const seen = await primary.sql(`SELECT FROM log${schemas}.changes WHERE sequence = 2`);
    assert.equal(seen.length, 1);
    await standby.start();
    await appending;
    await log.close();
    await assertHolds(url, 2);
  });

  test("goes on over the standby that is promoted, which has all that was acknowledged", async () => {
    const primary = await startServer();
    const standby = await primary.addStandby();
    servers.push(standby);
    const url = `postgres://postgres@${primary.host},${standby.host}/postgres?${nextSchema()}`;
    const log = open(url);
    await log.load();
    let acknowledged = 0;
    const until = { done: false };
    const appending = (async () => {
      while (!until.done) {
        await log.append(batch(acknowledged + 1));
        acknowledged++;
      }
    })();
    while (acknowledged < 50) await sleep(5);
    await primary.kill();
    await standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
    const atKill = acknowledged;
    await standby.promote();
    while (acknowledged < atKill + 50) await sleep(5);
    // The one that was left behind comes back, and is not gone back to.
    await primary.start();
    const atReturn = acknowledged;
    while (acknowledged < atReturn + 50) await sleep(5);
    until.done = true;
    await appending;
    await log.close();
    await assertHolds(`${standby.url}?${url.split("?")[1]}`, acknowledged);
  });
});
