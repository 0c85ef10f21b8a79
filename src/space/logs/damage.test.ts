import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { taskChanges } from "../testing/task-change.ts";
import { SqliteLog } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-damage-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A log of ten batches: 200 live tasks, and ten archived ones. */
async function filled(): Promise<{ file: string; log: SqliteLog }> {
  const file = join(folder, `${++count}.db`);
  const log = new SqliteLog(file);
  await log.load();
  for (let sequence = 1; sequence <= 10; sequence++) {
    const first = (sequence - 1) * 21 + 1;
    const changes = taskChanges(first, 20, "x".repeat(200));
    await log.append({ sequence, serial: first + 20, changes });
  }
  return { file, log };
}

/** The file after a clean end, with `sql` done to it. */
async function filledWith(sql: string): Promise<string> {
  const { file, log } = await filled();
  await log.close();
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
  return file;
}

/** What a start says: opening, and reading all of it. */
async function start(file: string): Promise<void> {
  const log = new SqliteLog(file);
  try {
    Array.from((await log.load()).records);
  } finally {
    await log.close();
  }
}

const damaged = (message: RegExp) => ({ code: "damaged", message });

test("a start names the batch that is missing", async () => {
  const between = await filledWith("DELETE FROM changes WHERE sequence IN (4, 7)");
  await assert.rejects(start(between), damaged(/batches 1 to 10 .* batch 4 is missing/));
  const atEnd = await filledWith("DELETE FROM changes WHERE sequence = 10");
  await assert.rejects(
    start(atEnd),
    damaged(/newest batch, 9, .* ends at record 189, .* record 210/),
  );
  await start(await filledWith("DELETE FROM changes WHERE sequence < 4")); // trimmed, not missing
});

test("a start names the record that is damaged", async () => {
  const text = await filledWith("UPDATE live SET body = substr(body, 1, 40) WHERE serial = 130");
  await assert.rejects(start(text), damaged(/record 130 is damaged/));
  const swapped = await filledWith(
    "UPDATE live SET body = (SELECT body FROM live WHERE serial = 3) WHERE serial = 90",
  );
  await assert.rejects(start(swapped), damaged(/record 90 is damaged: it says to be record 3/));
  const empty = await filledWith("UPDATE live SET body = '[]' WHERE serial = 1");
  await assert.rejects(start(empty), damaged(/record 1 is damaged/));
});

test("a start says so when the file is no database, is cut off, or holds pages of something else", async () => {
  const none = join(folder, "none.db");
  writeFileSync(none, "this is no database, though it is long enough to be one".repeat(100));
  await assert.rejects(start(none), damaged(/not a database/));
  const { file, log } = await filled();
  await log.close();
  truncateSync(file, 5 * 4096);
  await assert.rejects(start(file), damaged(/malformed/));
});

test("a database without the write-ahead log that it needs is refused, until that is back", async () => {
  const { file, log } = await filled();
  const copy = join(folder, "copy.db");
  copyFileSync(file, copy);
  const message = /acknowledged last is in .*copy.db-wal, which is missing/;
  await assert.rejects(start(copy), damaged(message));
  await assert.rejects(start(copy), damaged(message)); // nor is it taken at the second try
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  await start(copy);
  await start(copy); // a clean end needs none
  await log.close();
});

test("changes that a watcher asks for and cannot be read are told as damage", async () => {
  const file = await filledWith("UPDATE changes SET body = '[nonsense' WHERE sequence = 6");
  const log = new SqliteLog(file);
  await log.load();
  assert.equal((await log.read(0, 5)).length, 5);
  await assert.rejects(log.read(0, 10), damaged(/batch 6 of its changes is damaged/));
  await log.close();
});
