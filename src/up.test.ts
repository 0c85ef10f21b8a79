import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { PostgresLog } from "#/space/logs/postgres.ts";
import { up } from "./up.ts";

test(
  "up() is ready soon after a leader fell silent that it handed its first call on to",
  { skip: postgresMissing ?? false },
  async (t) => {
    const server = await PostgresServer.start();
    const folder = mkdtempSync(join(tmpdir(), "canopy-up-"));
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const log = new PostgresLog(new PostgresServers(server.url));
    t.after(async () => {
      await log.close();
      silent.close();
      server.destroy();
      rmSync(folder, { recursive: true });
    });
    await log.follow();
    await log.lead(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const cloud = await up(
      {
        dataFolder: join(folder, "data"),
        host: "127.0.0.1",
        port: 0,
        awsPort: 0,
        log: server.url,
        withAgent: false,
        durability: "full",
        logLevel: "error",
        placement: "asked",
      },
      {},
    );
    await cloud.stop();
    assert.match(cloud.joinLine, /^canopy join http:\/\/127.0.0.1:\d+ --token \w+/);
  },
);

test("up() that is refused its port leaves a data folder that the next one opens", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-up-"));
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  t.after(() => {
    taken.close();
    rmSync(folder, { recursive: true });
  });
  const upAt = (port: number) =>
    up(
      {
        dataFolder: join(folder, "data"),
        host: "127.0.0.1",
        port,
        awsPort: 0,
        log: undefined,
        withAgent: false,
        durability: "full",
        logLevel: "error",
        placement: "asked",
      },
      {},
    );
  await assert.rejects(upAt((taken.address() as AddressInfo).port), { code: "conflict" });
  const database = new DatabaseSync(join(folder, "data", "space.db"));
  assert.deepEqual(
    { ...database.prepare("SELECT value FROM meta WHERE key = 'open'").get() },
    { value: 0 },
  );
  database.close();
  await (await upAt(0)).stop();
});
