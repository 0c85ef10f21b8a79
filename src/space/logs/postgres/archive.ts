import type { Value } from "#/base/database.ts";
import { limits } from "#/base/limits.ts";
import type { Kind, RecordOfKind } from "#/model/record.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { decodeRecord } from "../../codec.ts";
import type { Extent } from "../extents.ts";
import { arrayOf } from "./encode.ts";

export type Query = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>;

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
             LEFT JOIN LATERAL (${extentSql(s)}) AS run ON wanted.index < run.first + run.count
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

/** The last extent that begins at or before a task that is `wanted`. */
function extentSql(s: string): string {
  return `
    SELECT first, serial, count FROM ${s}.extents
      WHERE step = wanted.step AND first <= wanted.index ORDER BY first DESC LIMIT 1`;
}

/** Where the tasks of these names are said to be, in one round trip. */
export async function findExtents(
  query: Query,
  s: string,
  names: readonly string[],
): Promise<(Omit<Extent, "step"> | undefined)[]> {
  if (names.length === 0) return [];
  const rows = await query<{ first: number | null; serial: number; count: number }>(
    `SELECT run.* FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS wanted (step, index, place)
       LEFT JOIN LATERAL (${extentSql(s)}) AS run ON true ORDER BY place`,
    [arrayOf(names.map(stepOfTask)), arrayOf(names.map(indexOfTask))],
  );
  return rows.map(({ first, serial, count }) =>
    first === null ? undefined : { first, serial, count },
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
  const [run] = await findExtents(query, s, [name]);
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
