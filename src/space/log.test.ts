import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { CanopyError } from "#/base/errors.ts";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { MemoryLog } from "./logs/memory.ts";
import { PostgresLog } from "./logs/postgres.ts";
import { SqliteLog } from "./logs/sqlite.ts";
import { describeLog } from "./testing/log-contract.ts";

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

const postgres = postgresMissing === undefined ? await PostgresServer.start() : undefined;
let schemas = 0;
after(() => postgres?.destroy());

const backends = [
  {
    name: "memory",
    skip: false as const,
    make() {
      const log = new MemoryLog();
      return { open: () => log };
    },
  },
  {
    name: "sqlite",
    skip: false as const,
    make() {
      const folder = mkdtempSync(join(tmpdir(), "canopy-log-"));
      folders.push(folder);
      return { open: () => new SqliteLog(join(folder, "space.db")) };
    },
  },
  {
    name: "postgres",
    skip: postgresMissing ?? (false as const),
    make() {
      const url = `${postgres!.url}?schema=log${++schemas}`;
      return { open: () => new PostgresLog(new PostgresServers(url)) };
    },
  },
];

for (const backend of backends) describeLog(backend);

test("the sqlite log refuses a second process with 'conflict'", async () => {
  const { open } = backends[1]!.make();
  const log = open();
  await log.load();
  assert.throws(open, (error: CanopyError) => error.code === "conflict");
  await log.close();
});
