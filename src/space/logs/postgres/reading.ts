import { type CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import type { AnyRecord } from "#/model/record.ts";
import { decodeRecord, decodeRecords } from "../../codec.ts";
import type { Loaded } from "../../log.ts";
import type { Seen } from "./changes.ts";
import { damaged, damagedEntry } from "./damage.ts";
import { quoted } from "./schema.ts";

const livePageRecords = 2000;

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
  await requireWhole(connection, s, head!.sequence);
  const records = await readLive(connection, s);
  if (records.length !== head!.live)
    throw damaged(`the live records must be ${head!.live}: there are ${records.length}`);
  await connection.query("COMMIT");
  const { sequence, serial, epoch, digest } = head!;
  return {
    loaded: { sequence, serial, epoch, records },
    seen: { sequence, digest: digest ?? undefined },
  };
}

async function readLive(connection: Connection, s: string): Promise<AnyRecord[]> {
  const page = (after: number) =>
    connection.query<{ last: number | null; bodies: string }>(
      `SELECT max(serial) AS last, string_agg(body, ',') AS bodies FROM (
         SELECT serial, body FROM ${s}.live WHERE serial > $1 ORDER BY serial LIMIT ${livePageRecords}) AS page`,
      [after],
    );
  const records: AnyRecord[] = [];
  for (let [after, next] = [0, page(0)]; ;) {
    const [row] = await next;
    if (row!.last === null) return records;
    next = page(row!.last);
    next.catch(() => undefined); // awaited in the next turn
    try {
      for (const record of decodeRecords(row!.bodies)) records.push(record);
    } catch {
      throw await damagedRecord(connection, s, after);
    }
    after = row!.last;
  }
}

/** Looks through one page for the record that made it unreadable. */
async function damagedRecord(
  connection: Connection,
  s: string,
  after: number,
): Promise<CanopyError> {
  const rows = await connection.query<{ serial: number; body: string }>(
    `SELECT serial, body FROM ${s}.live WHERE serial > $1 ORDER BY serial LIMIT ${livePageRecords}`,
    [after],
  );
  for (const { serial, body } of rows) {
    try {
      decodeRecord(body);
    } catch (thrown) {
      return damaged(`the live record with serial ${serial} must be JSON: ${messageOf(thrown)}`);
    }
  }
  return damaged(`the live records after serial ${after} must be JSON`);
}

/** The batches that are kept have no gap, end with the newest, and are as they were written. */
async function requireWhole(connection: Connection, s: string, newest: number): Promise<void> {
  const [kept] = await connection.query<{ oldest: number; last: number; count: number }>(
    `SELECT coalesce(min(sequence), 0) AS oldest, coalesce(max(sequence), 0) AS last, count(*) AS count FROM ${s}.changes`,
  );
  const { oldest, last, count } = kept!;
  if (last !== newest)
    throw damaged(`the newest entry of 'changes' must be ${newest}: it is ${last}`);
  if (count > 0 && count !== last - oldest + 1) {
    const [gap] = await connection.query<{ sequence: number }>(
      `SELECT sequence + 1 AS sequence FROM ${s}.changes AS before WHERE sequence < $1 AND NOT EXISTS (
         SELECT FROM ${s}.changes AS after WHERE after.sequence = before.sequence + 1) ORDER BY 1 LIMIT 1`,
      [last],
    );
    throw damagedEntry(
      s,
      gap!.sequence,
      `'changes' must have no gap: entry ${gap!.sequence} is missing`,
    );
  }
  const [altered] = await connection.query<{ sequence: number }>(
    `SELECT sequence FROM ${s}.changes WHERE digest <> md5(body)::uuid ORDER BY sequence LIMIT 1`,
    undefined,
    limits.postgresScanMs,
  );
  if (!altered) return;
  const what = `entry ${altered.sequence} of 'changes' must have the digest that it was written with`;
  throw altered.sequence < last ? damagedEntry(s, altered.sequence, what) : damaged(what);
}
