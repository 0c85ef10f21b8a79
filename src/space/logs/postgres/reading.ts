import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Value } from "#/base/database.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { decodeRecord, decodeRecords } from "../../codec.ts";
import type { Batch, Loaded } from "../../log.ts";
import { arrayOf, opsOf } from "./encode.ts";
import { quoted } from "./schema.ts";

export type Query = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>;

const livePageRecords = 2000;

/**
 * Everything, as of one moment. Each page is one text, and is decoded while the server makes the next.
 * Throws CanopyError "damaged" naming the entry when something is missing or cannot be what was written.
 */
export async function readAll(connection: Connection, schema: string): Promise<Loaded> {
  const s = quoted(schema);
  await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const [head] = await connection.query<{
    sequence: number;
    serial: number;
    epoch: number;
    live: number;
  }>(`SELECT sequence, serial, epoch, live FROM ${s}.leader`);
  await requireWhole(connection, s, head!.sequence);
  const records = await readLive(connection, s);
  if (records.length !== head!.live)
    throw damaged(`the live records must be ${head!.live}: there are ${records.length}`);
  await connection.query("COMMIT");
  const { sequence, serial, epoch } = head!;
  return { sequence, serial, epoch, records };
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
    throw damaged(`'changes' must have no gap: entry ${gap!.sequence} is missing`);
  }
  const [altered] = await connection.query<{ sequence: number }>(
    `SELECT sequence FROM ${s}.changes WHERE digest <> md5(body)::uuid ORDER BY sequence LIMIT 1`,
    undefined,
    limits.postgresScanMs,
  );
  if (altered)
    throw damaged(
      `entry ${altered.sequence} of 'changes' must have the digest that it was written with`,
    );
}

export function damaged(what: string): CanopyError {
  return new CanopyError("damaged", `Cannot use the log as ${what}`, {
    hint: "See what can be done: canopy doctor",
  });
}

/** Archived records by name, in one round trip. */
export async function findArchived<K extends Kind>(
  query: Query,
  s: string,
  kind: K,
  names: readonly string[],
): Promise<(RecordOfKind<K> | undefined)[]> {
  if (names.length === 0) return [];
  const rows =
    kind === "task"
      ? await query<{ body: string | null }>(
          `SELECT a.body FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS wanted (step, index, place)
             LEFT JOIN LATERAL (
               SELECT first, serial, count FROM ${s}.extents
                 WHERE step = wanted.step AND first <= wanted.index ORDER BY first DESC LIMIT 1
             ) AS run ON wanted.index < run.first + run.count
             LEFT JOIN ${s}.archive AS a ON a.serial = run.serial + wanted.index - run.first
             ORDER BY place`,
          [arrayOf(names.map(stepOfTask)), arrayOf(names.map(indexOfTask))],
        )
      : await query<{ body: string | null }>(
          `SELECT a.body FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
             LEFT JOIN ${s}.archive AS a ON a.kind = $2 AND a.name = wanted.name COLLATE "C"
             ORDER BY place`,
          [arrayOf(names), kind],
        );
  return rows.map(({ body }) =>
    body === null ? undefined : (decodeRecord(body) as RecordOfKind<K>),
  );
}

/** See `SpaceLog.archived`. Tasks of other jobs may stand between those asked for, so pages are read until there are enough. */
export async function listArchived<K extends Kind>(
  query: Query,
  s: string,
  kind: K,
  options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
): Promise<RecordOfKind<K>[]> {
  const { prefix = "", before, project, phase, limit } = options;
  const filter = [project ?? null, phase ?? null];
  const isOne = "($3::text IS NULL OR project = $3) AND ($4::text IS NULL OR phase = $4)";
  if (kind !== "task") {
    const upper = `${prefix}\u{10ffff}`;
    const to = before !== undefined && before < upper ? before : upper;
    const rows = await query<{ body: string }>(
      `SELECT body FROM ${s}.archive WHERE kind = '${kind}' AND name >= $1 AND name < $2 AND ${isOne}
         ORDER BY name DESC LIMIT $5`,
      [prefix, to, ...filter, limit],
    );
    return rows.map(({ body }) => decodeRecord(body) as RecordOfKind<K>);
  }
  const span = await spanOf(query, s, prefix);
  if (!span) return [];
  let high = span.high;
  if (before !== undefined) high = Math.min(high, ((await serialOf(query, s, before)) ?? 0) - 1);
  const isUnhappy = phase !== undefined && phase !== "succeeded";
  const found: RecordOfKind<K>[] = [];
  while (found.length < limit && high >= span.low) {
    const rows = await query<{ serial: number; body: string }>(
      `SELECT serial, body FROM ${s}.archive
         WHERE serial BETWEEN $1 AND $2 AND kind = 'task' AND ${isOne} ${isUnhappy ? "AND phase <> 'succeeded'" : ""}
         ORDER BY serial DESC LIMIT $5`,
      [span.low, high, ...filter, limits.archivePageTasks],
    );
    for (const { body } of rows) {
      const record = decodeRecord(body) as RecordOfKind<K>;
      if (record.name.startsWith(prefix)) found.push(record);
    }
    if (rows.length < limits.archivePageTasks) break;
    high = rows.at(-1)!.serial - 1;
  }
  return found.slice(0, limit);
}

async function serialOf(query: Query, s: string, name: string): Promise<number | undefined> {
  const index = indexOfTask(name);
  const [run] = await query<{ first: number; serial: number; count: number }>(
    `SELECT first, serial, count FROM ${s}.extents WHERE step = $1 AND first <= $2 ORDER BY first DESC LIMIT 1`,
    [stepOfTask(name), index],
  );
  return run && index < run.first + run.count ? run.serial + index - run.first : undefined;
}

/** The lowest and the highest serial of tasks whose names begin with `prefix`: "job/" or "job/step/". */
async function spanOf(query: Query, s: string, prefix: string) {
  const isStep = prefix.split("/").length === 3;
  const steps = isStep ? [prefix.slice(0, -1), prefix] : [prefix, `${prefix}\u{10ffff}`];
  const [row] = await query<{ low: number | null; high: number }>(
    `SELECT min(serial) AS low, max(serial + count - 1) AS high FROM ${s}.extents WHERE step >= $1 AND step < $2`,
    steps,
  );
  return row!.low === null ? undefined : { low: row!.low, high: row!.high };
}

/** See `SpaceLog.read`: also of batches that another process appended meanwhile. */
export async function readBatches(
  query: Query,
  s: string,
  sequence: number,
  max: number,
): Promise<Batch[]> {
  const rows = await query<{ sequence: number; serial: number; ops: string; body: string }>(
    `SELECT sequence, serial, ops, body FROM ${s}.changes WHERE sequence > $1 ORDER BY sequence LIMIT $2`,
    [sequence, max],
  );
  if (rows.length === 0 || rows[0]!.sequence !== sequence + 1) {
    const [kept] = await query<{ newest: number; oldest: number }>(
      `SELECT sequence AS newest, coalesce((SELECT min(sequence) FROM ${s}.changes), sequence + 1) AS oldest
         FROM ${s}.leader`,
      [],
    );
    const { newest, oldest } = kept!;
    if (sequence + 1 < oldest || sequence > newest)
      throw new CanopyError(
        "not-found",
        `Cannot read changes after ${sequence} as they are kept from ${oldest} to ${newest}`,
        { hint: "Read the current state, then follow from there" },
      );
    // Read before and after one was appended.
    if (rows.length === 0) return [];
    throw damaged(`'changes' must have no gap: entry ${sequence + 1} is missing`);
  }
  return rows.map((row, index) => {
    if (row.sequence !== sequence + 1 + index)
      throw damaged(`'changes' must have no gap: entry ${sequence + 1 + index} is missing`);
    return { sequence: row.sequence, serial: row.serial, changes: changesOf(row) };
  });
}

function changesOf({
  sequence,
  ops,
  body,
}: {
  sequence: number;
  ops: string;
  body: string;
}): Change[] {
  const fault = () => damaged(`entry ${sequence} of 'changes' must be what was written`);
  if (ops === "" && body === "") return [];
  const letters = opsOf(ops);
  let records: AnyRecord[];
  try {
    records = decodeRecords(body.replaceAll("\n", ","));
  } catch {
    throw fault();
  }
  if (records.length !== letters?.length) throw fault();
  return records.map((record, index) => ({ op: letters[index]!, record }));
}
