import { copyFileSync, existsSync, fsyncSync, openSync, closeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { AnyRecord } from "#/model/record.ts";
import type { Mendable } from "../examination.ts";
import { readableTasks, repairedGap } from "../mending.ts";
import { Archive } from "./archive.ts";
import { cannotOpen } from "./errors.ts";

/**
 * Mends what can be mended without losing a record that is there, after copying the files. Gives the
 * copies. Throws "conflict" when another process has the log open.
 */
export function repairSqlite(file: string, mends: ReadonlySet<Mendable>): string[] {
  const copies = copyAside(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE");
    if (mends.has("write-ahead")) database.exec("UPDATE meta SET value = 0 WHERE key = 'open'");
    if (mends.has("twice"))
      database.exec("DELETE FROM archive WHERE serial IN (SELECT serial FROM live)");
    if (mends.has("changes")) dropChanges(database);
    if (mends.has("names")) nameAgain(database);
    database.exec("COMMIT");
    if (mends.has("indexes")) database.exec("REINDEX");
    // Nothing is left in a write-ahead log: closing would remove it.
    database.exec("UPDATE meta SET value = 0 WHERE key = 'open'");
  } catch (thrown) {
    throw cannotOpen(file, thrown);
  } finally {
    database.close();
  }
  return copies;
}

/** Changes are for watchers that come back: without them they read the present state. Their numbers go on. */
function dropChanges(database: DatabaseSync): void {
  const { newest } = database
    .prepare("SELECT ifnull(max(sequence), 0) AS newest FROM changes")
    .get() as { newest: number };
  const { serial } = database
    .prepare(
      `SELECT ifnull(max(serial), 0) AS serial FROM (
        SELECT serial FROM live UNION ALL SELECT serial FROM archive UNION ALL SELECT last FROM packs
        UNION ALL SELECT serial FROM changes)`,
    )
    .get() as { serial: number };
  database.exec("DELETE FROM changes");
  database.prepare("INSERT INTO changes VALUES (?, ?, '')").run(newest + repairedGap, serial);
}

/** Notes again where tasks are, from the tasks themselves. */
function nameAgain(database: DatabaseSync): void {
  database.exec("DELETE FROM extents");
  const archive = new Archive(database);
  const rows = database.prepare(`
    SELECT serial, body FROM live UNION ALL SELECT serial, body FROM archive WHERE kind = 'task'
    UNION ALL SELECT first, body FROM packs ORDER BY 1`);
  const waiting: AnyRecord[] = [];
  for (const { body } of rows.iterate() as Iterable<{ body: string }>) {
    waiting.push(...readableTasks(body));
    if (waiting.length < 10_000) continue;
    // Packs overlap: what comes may still stand before the newest of these.
    waiting.sort((a, b) => a.serial - b.serial);
    archive.made(waiting.splice(0, 5_000));
  }
  archive.made(waiting.sort((a, b) => a.serial - b.serial));
}

function copyAside(file: string): string[] {
  let number = 1;
  while (existsSync(`${file}.before-repair-${number}`)) number++;
  const copies: string[] = [];
  for (const end of ["", "-wal"]) {
    if (!existsSync(file + end)) continue;
    const copy = `${file}.before-repair-${number}${end}`;
    copyFileSync(file + end, copy);
    const descriptor = openSync(copy, "r");
    fsyncSync(descriptor);
    closeSync(descriptor);
    copies.push(copy);
  }
  return copies;
}
