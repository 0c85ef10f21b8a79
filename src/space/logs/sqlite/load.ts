import type { DatabaseSync } from "node:sqlite";
import type { AnyRecord } from "#/model/record.ts";
import { faultOfPage, recordsOfPage, type LivePage, type LiveRow } from "../live-page.ts";
import { damaged, readError } from "./errors.ts";

/**
 * What is kept of changes. Throws "damaged", with the number of the batch, when one is missing: between
 * the oldest and the newest by counting, at the end by a record that is newer than all of them.
 */
export function inspectChanges(
  database: DatabaseSync,
  file: string,
): { oldest: number; newest: number; serial: number; bytes: number } {
  const row = (sql: string): Record<string, number> => {
    try {
      return database.prepare(sql).get() as Record<string, number>;
    } catch (thrown) {
      throw readError(file, thrown);
    }
  };
  const { bytes, count, oldest, newest, serial } = row(`
    SELECT total(length(body)) AS bytes, count(*) AS count, ifnull(min(sequence), 1) AS oldest,
      ifnull(max(sequence), 0) AS newest, ifnull(max(serial), 0) AS serial FROM changes`);
  if (count !== newest! - oldest! + 1) {
    const { missing } = row(`
      SELECT min(sequence) + 1 AS missing FROM changes
      WHERE sequence + 1 NOT IN (SELECT sequence FROM changes)`);
    throw damaged(
      `Cannot read ${file} as batches ${oldest} to ${newest} of its changes must all be there: batch ${missing} is missing`,
    );
  }
  const { record } = row(`
    SELECT ifnull(max(serial), 0) AS record FROM (
      SELECT max(serial) AS serial FROM live UNION ALL SELECT max(serial) FROM archive UNION ALL SELECT max(first) FROM packs
    )`);
  if (record! > serial!) {
    throw damaged(
      `Cannot read ${file} as its newest batch, ${newest}, must know the newest record: it ends at record ${serial}, and there is record ${record}`,
    );
  }
  return { oldest: oldest!, newest: newest!, serial: serial!, bytes: bytes! };
}

/**
 * Live records by serial. A page is one text: crossing from SQLite once for a hundred rows halves the
 * time to start. Throws "damaged" with the number of a record that cannot be read.
 */
export function* readLive(database: DatabaseSync, file: string): Generator<AnyRecord> {
  const page = database.prepare(`
    SELECT max(serial) AS last, count(*) AS count, group_concat(body) AS bodies
    FROM (SELECT serial, body FROM live WHERE serial > ? ORDER BY serial LIMIT 100)`);
  for (let after = 0; ;) {
    let row: Partial<LivePage> | undefined;
    try {
      row = page.get(after);
    } catch (thrown) {
      throw readError(file, thrown);
    }
    if (typeof row?.bodies !== "string") return;
    const records = recordsOfPage(row as LivePage, after);
    if (!records) throw firstFault(database, file, after);
    yield* records;
    after = row.last!;
  }
}

/** Looks through a page row by row for the record that is at fault. */
function firstFault(database: DatabaseSync, file: string, after: number): Error {
  const rows = database
    .prepare("SELECT serial, body FROM live WHERE serial > ? ORDER BY serial LIMIT 100")
    .all(after) as unknown as LiveRow[];
  return damaged(`Cannot read ${file} as ${faultOfPage(rows, after)}`);
}
