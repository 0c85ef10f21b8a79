import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { PostgresDatabase } from "#/base/node/postgres/database.ts";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import type { LogLine } from "#/model/wire.ts";
import { LogBuffer } from "./buffer.ts";
import { FileLogs } from "./files.ts";
import { encodeLine } from "./line.ts";
import type { Logs } from "./logs.ts";
import { PostgresLogs } from "./postgres.ts";

const root = await mkdtemp(join(tmpdir(), "canopy-logs-"));
after(() => rm(root, { recursive: true }));
let count = 0;

const makeFiles = (folder = join(root, String(++count)), files = nodeFiles) =>
  FileLogs.open({ files, folder, clock: nodeClock, report: silent });

const postgres = postgresMissing === undefined ? await PostgresServer.start() : undefined;
const closing: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
  postgres?.destroy();
});

async function makePostgres(schema = `l${++count}`): Promise<Logs> {
  const servers = new PostgresServers(`${postgres!.url}?schema=${schema}`);
  const database = new PostgresDatabase(servers, "relaxed");
  closing.push(() => database.close());
  const logs = await PostgresLogs.open({ database, clock: nodeClock, report: silent });
  closing.push(() => logs.close());
  return logs;
}

const backends: { name: string; skip: string | false; make: () => Promise<Logs> }[] = [
  { name: "FileLogs", skip: false, make: () => makeFiles() },
  { name: "PostgresLogs", skip: postgresMissing ?? false, make: () => makePostgres() },
];

const line = (task: string, text: string): LogLine => ({
  task,
  at: 1_900_000_000_000,
  stream: "stdout",
  text,
});

for (const { name, skip, make } of backends) {
  describe(name, { skip }, () => {
    it("read() gives what append() took, in order, and a place to read on from", async () => {
      const logs = await make();
      const lines: LogLine[] = [
        line("j1/0/0", "one"),
        { ...line("j1/0/1", "zwei ✓\n"), stream: "stderr" },
      ];
      logs.append("j1", lines);
      logs.append("j2", [line("j2/0/0", "other")]);
      await logs.flushed();
      const first = await logs.read("j1");
      assert.deepEqual(first.lines, lines);
      logs.append("j1", [line("j1/0/2", "three")]);
      await logs.flushed();
      assert.deepEqual((await logs.read("j1", { after: first.next })).lines, [
        line("j1/0/2", "three"),
      ]);
      assert.deepEqual(await logs.read("j3"), { lines: [], next: 0 });
    });

    it("read() keeps to one task, or one step, and to pages", async () => {
      const logs = await make();
      for (let at = 0; at < 25; at++)
        logs.append("j1", [line(`j1/${at % 2}/1`, `${at}`), line(`j1/${at % 2}/11`, "no")]);
      await logs.flushed();
      const texts: string[] = [];
      for (let after = 0; ;) {
        const page = await logs.read("j1", { task: "j1/1/1", after, max: 5 });
        texts.push(...page.lines.map(({ text }) => text));
        if (page.lines.length < 5) break;
        after = page.next;
      }
      assert.deepEqual(texts, ["1", "3", "5", "7", "9", "11", "13", "15", "17", "19", "21", "23"]);
      assert.equal((await logs.read("j1", { task: "j1/0" })).lines.length, 26);
    });

    it("a job that prints without end fills its own log only, which says that the rest is dropped", async () => {
      const logs = await make();
      const text = "x".repeat(limits.logLineBytesMax);
      const many = Array.from({ length: 512 }, () => line("j1/0/0", text));
      for (
        let printed = 0;
        printed < limits.jobLogBytesMax + 2 * 512 * text.length;
        printed += 512 * text.length
      ) {
        logs.append("j1", many);
        await logs.flushed();
      }
      const { lines } = await logs.read("j1", { max: 1_000_000 });
      let size = 0;
      for (const one of lines) size += encodeLine(one).length;
      assert.ok(size < limits.jobLogBytesMax + 1024, `${size} bytes`);
      const tail = await logs.read("j1", { task: "j1", after: 0, max: 1_000_000 });
      assert.match(
        tail.lines.at(-1)!.text.slice(0, 200),
        /the rest of this job's output is dropped/,
      );
      await logs.remove("j1");
    });

    it("append() drops and counts what comes faster than the disk takes it", async () => {
      const logs = await make();
      const lines = Array.from({ length: 1024 }, () =>
        line("j1/0/0", "y".repeat(limits.logLineBytesMax)),
      );
      for (let at = 0; at < 4; at++) logs.append("j1", lines);
      await logs.flushed();
      const page = await logs.read("j1", { max: 1_000_000 });
      assert.ok(page.lines.length < 4096);
      assert.match(page.lines.at(-1)!.text, /lines were dropped here/);
    });

    it("remove() ends a log, and another of that name begins anew", async () => {
      const logs = await make();
      logs.append("j1", [line("j1/0/0", "old")]);
      await logs.flushed();
      await logs.remove("j1");
      assert.deepEqual(await logs.read("j1"), { lines: [], next: 0 });
      logs.append("j1", [line("j1/0/0", "new")]);
      await logs.flushed();
      assert.deepEqual((await logs.read("j1")).lines, [line("j1/0/0", "new")]);
    });

    it("onMore() tells that there is more of that job", async () => {
      const logs = await make();
      let told = 0;
      const stop = logs.onMore("j1", () => (told += 1));
      logs.append("j2", [line("j2/0/0", "other")]);
      logs.append("j1", [line("j1/0/0", "mine")]);
      await logs.flushed();
      assert.equal(told, 1);
      stop();
      logs.append("j1", [line("j1/0/0", "mine")]);
      await logs.flushed();
      assert.equal(told, 1);
    });
  });
}

describe("FileLogs", () => {
  it("goes on after the disk was full", async () => {
    let full = true;
    const files = {
      ...nodeFiles,
      append: async (path: string) => {
        if (full) throw Object.assign(new Error("disk full"), { code: "ENOSPC" });
        return nodeFiles.append(path);
      },
    };
    const logs = await makeFiles(join(root, "full"), files);
    logs.append("j1", [line("j1/0/0", "lost")]);
    await logs.flushed();
    full = false;
    logs.append("j1", [line("j1/0/0", "kept")]);
    await logs.flushed();
    assert.deepEqual(
      (await logs.read("j1")).lines.map(({ text }) => text),
      ["kept"],
    );
  });
});

describe("PostgresLogs", { skip: postgresMissing ?? false }, () => {
  it("onMore() tells of what another control plane wrote, and every reader sees the lines in one order", async () => {
    const [one, other] = await Promise.all([makePostgres("both"), makePostgres("both")]);
    const more = Promise.withResolvers<void>();
    const texts = Array.from({ length: 40 }, (_, at) => `${at}`);
    const wanted = 2 * texts.length;
    const seen: LogLine[] = [];
    let next = 0;
    let reading = Promise.resolve();
    const read = async () => {
      const page = await other.read("j1", { after: next });
      seen.push(...page.lines);
      next = page.next;
      if (seen.length >= wanted) more.resolve();
    };
    other.onMore("j1", () => (reading = reading.then(read)));
    for (const text of texts) {
      one.append("j1", [line("j1/0/0", `one ${text}`)]);
      other.append("j1", [line("j1/0/1", `other ${text}`)]);
      if (Number(text) % 10 === 9) await Promise.all([one.flushed(), other.flushed()]);
    }
    await more.promise;
    await reading;
    assert.deepEqual((await one.read("j1")).lines, seen);
    for (const [who, task] of [
      ["one", "j1/0/0"],
      ["other", "j1/0/1"],
    ] as const)
      assert.deepEqual(
        (await other.read("j1", { task })).lines.map(({ text }) => text),
        texts.map((text) => `${who} ${text}`),
      );
  });
});

it("goes on writing when what was written before cannot be thinned out", async () => {
  const warned: string[] = [];
  const buffer = new LogBuffer({
    clock: nodeClock,
    report: { ...silent, warn: (text) => void warned.push(text) },
    sizeOf: () => Promise.resolve(0),
    write: () => Promise.resolve(),
    onFlushed: () => Promise.reject(new Error("EIO")),
  });
  for (let at = 0; at < 2; at++) {
    buffer.append("j1", [{ task: "j1/0/0", at, stream: "stdout", text: "x" }]);
    await buffer.flushed();
  }
  assert.equal(warned.length, 1);
});
