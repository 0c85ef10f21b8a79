import type { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import type { AnyRecord } from "#/model/record.ts";
import type { Loaded } from "../../log.ts";
import type { Seen } from "./changes.ts";
import { faultOfPage, recordsOfPage, type LivePage, type LiveRow } from "../live-page.ts";
import { damaged } from "./damage.ts";
import { quoted } from "./schema.ts";

const livePageRecords = 2000;

/** Why a batch is not as it was written. */
export const wrongDigest = "its digest must be the one that it was written with";

/**
 * Everything, as of one moment. Each page is one text, and is decoded while the server makes the next.
 * Throws CanopyError "damaged" naming the entry when something is missing or cannot be what was written.
 */
export async function readAll(
  connection: Connection,
  schema: string,
): Promise<{ loaded: Loaded; seen: Seen }> {
  const s = quoted(schema);
  await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const [head] = await connection.query<{
    sequence: number;
    serial: number;
    epoch: number;
    live: number;
    digest: string | null;
  }>(`SELECT leader.sequence, leader.serial, leader.epoch, live, digest
        FROM ${s}.leader LEFT JOIN ${s}.changes USING (sequence)`);
  if (!head) throw damaged("its row that says who leads is missing");
  const { sequence, serial, epoch, live, digest } = head;
  await requireWhole(connection, s, sequence);
  const records = await readLive(connection, s);
  if (records.length !== live)
    throw damaged(`there must be ${live} live records: there are ${records.length}`);
  await connection.query("COMMIT");
  return {
    loaded: { sequence, serial, epoch, records },
    seen: { sequence, digest: digest ?? undefined },
  };
}

async function readLive(connection: Connection, s: string): Promise<AnyRecord[]> {
  const page = (after: number) =>
    connection.query<{ [field in keyof LivePage]: LivePage[field] | null }>(
      `SELECT max(serial) AS last, count(*) AS count, string_agg(body, ',') AS bodies FROM (
         SELECT serial, body FROM ${s}.live WHERE serial > $1 ORDER BY serial LIMIT ${livePageRecords}) AS page`,
      [after],
    );
  const records: AnyRecord[] = [];
  for (let [after, next] = [0, page(0)]; ;) {
    const [row] = await next;
    if (row!.last === null) return records;
    next = page(row!.last);
    next.catch(() => undefined); // awaited in the next turn
    const found = recordsOfPage(row as LivePage, after);
    if (!found) throw await firstFault(connection, s, after);
    for (const record of found) records.push(record);
    after = row!.last;
  }
}

/** Looks through a page row by row for the record that is at fault. */
async function firstFault(connection: Connection, s: string, after: number): Promise<CanopyError> {
  const rows = await connection.query<LiveRow>(
    `SELECT serial, body FROM ${s}.live WHERE serial > $1 ORDER BY serial LIMIT ${livePageRecords}`,
    [after],
  );
  return damaged(faultOfPage(rows, after));
}

/** The batches that are kept have no gap, end with the newest, and are as they were written. */
async function requireWhole(connection: Connection, s: string, newest: number): Promise<void> {
  const [kept] = await connection.query<{ oldest: number; last: number; count: number }>(
    `SELECT coalesce(min(sequence), 0) AS oldest, coalesce(max(sequence), 0) AS last, count(*) AS count FROM ${s}.changes`,
  );
  const { oldest, last, count } = kept!;
  if (last !== newest) throw damaged(`its newest batch must be ${newest}: it is ${last}`);
  if (count > 0 && count !== last - oldest + 1) {
    const [gap] = await connection.query<{ sequence: number }>(
      `SELECT sequence + 1 AS sequence FROM ${s}.changes AS before WHERE sequence < $1 AND NOT EXISTS (
         SELECT FROM ${s}.changes AS after WHERE after.sequence = before.sequence + 1) ORDER BY 1 LIMIT 1`,
      [last],
    );
    throw damaged(
      `batches ${oldest} to ${last} of its changes must all be there: batch ${gap!.sequence} is missing`,
    );
  }
  const [altered] = await connection.query<{ sequence: number }>(
    `SELECT sequence FROM ${s}.changes WHERE digest <> md5(body)::uuid ORDER BY sequence LIMIT 1`,
    undefined,
    limits.postgresScanMs,
  );
  if (altered) throw damaged(`batch ${altered.sequence} of its changes is damaged: ${wrongDigest}`);
}
