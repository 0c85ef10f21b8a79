import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { PostgresAddress } from "#/base/node/postgres/address.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import { explainFailure, failureOf } from "#/base/node/postgres/failures.ts";
import { damaged } from "./damage.ts";
import { lastLeader, requireNoLeader } from "./leader.ts";
import { emptySql, format, quoted, schemaSql } from "./schema.ts";

const tables = "meta leader live archive extents changes".split(" ");

/** The entry of `meta` that is there while a backup is put back. */
export const restoringKey = "restoring";

/** How a log is made for a backup that is put back into it. */
export interface Restoring {
  /** Until it is whole the log bears this mark, and only who knows it opens it. */
  mark: string;
  epochAbove: number;
  /** The sequence that it begins after. */
  after: number;
}

/**
 * Makes the tables where there are none, and refuses those that are not this cell's. Gives what tells this
 * log from any other, copies and restored ones included in it. Throws CanopyError: "conflict" when the tables are of
 * another cell, another program or another version, or a restore into them was not ended, "forbidden" when the user may
 * not use them, "no-space" when the server's disk is full, "unavailable" when it takes too long to commit,
 * "damaged" when what tells it from others is missing. With `restoring` the tables must not be there, but for
 * those of a restore that was cut short, which are made anew.
 */
export async function setUp(
  connection: Connection,
  address: PostgresAddress,
  restoring?: Restoring,
): Promise<string> {
  return await explained(address, async () => {
    if (restoring) await inTables(connection, () => makeToRestore(connection, address, restoring));
    else if (!(await hasTable(connection, address.schema, "meta")))
      await inTables(connection, () => make(connection, address));
    await requireOurs(connection, address, restoring?.mark);
    await requireRights(connection, address);
    await requireSwift(connection, address);
    return await idOf(connection, address);
  });
}

/** That there is a log of this cell, and it may be used. Throws "not-found", and what `setUp` throws. */
export async function requireLog(connection: Connection, address: PostgresAddress): Promise<void> {
  const { schema, shown } = address;
  await explained(address, async () => {
    if (!(await hasTable(connection, schema, "meta")))
      throw new CanopyError(
        "not-found",
        `Cannot look at PostgreSQL at ${shown} as its schema '${schema}' holds no cloud`,
        { hint: "Name the database, and the schema: canopy doctor --log postgres://…?schema=…" },
      );
    await requireOurs(connection, address);
    await requireRights(connection, address);
  });
}

/** That the server is quick enough: gives in how many milliseconds it commits. Throws "unavailable", and "no-space" when its disk is full. */
export async function measureCommit(
  connection: Connection,
  address: PostgresAddress,
): Promise<number> {
  return await explained(address, () => requireSwift(connection, address));
}

async function explained<T>(address: PostgresAddress, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw isRights(thrown)
      ? noRights(address, thrown)
      : explainFailure("open the log", address.shown, thrown);
  }
}

async function idOf(connection: Connection, { schema }: PostgresAddress): Promise<string> {
  const [row] = await connection.query<{ value: string }>(
    `SELECT value FROM ${quoted(schema)}.meta WHERE key = 'id'`,
  );
  if (!row) throw damaged("its 'meta' must have an id");
  return row.value;
}

async function hasTable(connection: Connection, schema: string, table: string): Promise<boolean> {
  const [row] = await connection.query<{ there: boolean }>(
    "SELECT to_regclass($1) IS NOT NULL AS there",
    [`${quoted(schema)}.${table}`],
  );
  return row!.there;
}

/** One transaction that has the tables for itself: of several control planes that start at once, one makes them. */
async function inTables(connection: Connection, work: () => Promise<void>): Promise<void> {
  await connection.query("BEGIN");
  try {
    await connection.query("SELECT pg_advisory_xact_lock(hashtext('canopy tables'))");
    await work();
    await connection.query("COMMIT");
  } catch (thrown) {
    if (connection.isOpen) await connection.query("ROLLBACK");
    throw thrown;
  }
}

async function make(connection: Connection, address: PostgresAddress): Promise<void> {
  const { schema, cell } = address;
  const names = await tablesOf(connection, schema);
  if (names.includes("meta")) return;
  const taken = tables.find((name) => names.includes(name));
  if (taken !== undefined)
    throw notOurs(address, "its tables must be Canopy's", `a schema with '${taken}' in it`);
  await connection.query(schemaSql(schema));
  await connection.query(
    `INSERT INTO ${quoted(schema)}.meta
       VALUES ('format', $1), ('cell', $2), ('id', gen_random_uuid()), ('opened', '')`,
    [format, cell],
  );
}

/** By a query, as what is asked by name may be answered from what was known before a lock. */
async function tablesOf(connection: Connection, schema: string): Promise<string[]> {
  const rows = await connection.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
       WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' ORDER BY relname`,
    [quoted(schema)],
  );
  return rows.map(({ name }) => name);
}

async function makeToRestore(
  connection: Connection,
  address: PostgresAddress,
  { mark, epochAbove, after }: Restoring,
): Promise<void> {
  const s = quoted(address.schema);
  let epoch = epochAbove;
  const names = await tablesOf(connection, address.schema);
  if (names.length > 0) {
    const meta = names.includes("meta") ? await metaOf(connection, address) : new Map();
    if (!meta.has(restoringKey))
      throw notOurs(
        address,
        "a backup is put back where nothing is",
        meta.has("cell") ? `a cell '${meta.get("cell")}'` : `a schema with '${names[0]}' in it`,
      );
    await requireNoLeader(connection, s, "restore into this database");
    // Who was cut short may still live, and must not be taken for this one.
    epoch = Math.max(epoch, (await lastLeader(connection, s))?.epoch ?? 0) + 1;
    await connection.query(emptySql(address.schema));
  }
  await make(connection, address);
  await connection.query(`INSERT INTO ${s}.meta VALUES ($1, $2)`, [restoringKey, mark]);
  // An entry of nothing, so that who has read further than the backup is told to begin anew.
  await connection.query(
    `WITH begun AS (UPDATE ${s}.leader SET epoch = $1, sequence = $2 RETURNING *)
     INSERT INTO ${s}.changes SELECT sequence, epoch, serial, md5('')::uuid, '', '' FROM begun`,
    [epoch, after],
  );
}

async function metaOf(
  connection: Connection,
  address: PostgresAddress,
): Promise<Map<string, string>> {
  const rows = await connection
    .query<{ key: string; value: string }>(`SELECT key, value FROM ${quoted(address.schema)}.meta`)
    .catch((thrown: { code?: string }) => {
      if (thrown.code !== "42703") throw thrown; // a table of that name with other columns
      throw notOurs(address, "its tables must be Canopy's", `a schema with another 'meta' in it`);
    });
  return new Map(rows.map(({ key, value }) => [key, value]));
}

async function requireOurs(
  connection: Connection,
  address: PostgresAddress,
  mark?: string,
): Promise<void> {
  const { cell, schema, shown } = address;
  const meta = await metaOf(connection, address);
  if (meta.get("format") !== format)
    throw notOurs(address, `its format must be ${format}`, `'${meta.get("format") ?? "none"}'`);
  if (meta.get("cell") !== cell)
    throw notOurs(address, `its cell must be '${cell}'`, `'${meta.get("cell")}'`);
  if (meta.get(restoringKey) !== mark)
    throw new CanopyError(
      "conflict",
      `Cannot use the schema '${schema}' of PostgreSQL at ${shown} as a backup that is put back into it must be whole: it is not yet`,
      { hint: `When that was cut short, do it again: canopy restore FILE --log ${shown}` },
    );
}

async function requireRights(connection: Connection, address: PostgresAddress): Promise<void> {
  const [row] = await connection.query<{ missing: string | null }>(
    `SELECT string_agg(name, ', ') AS missing FROM unnest($2::text[]) AS name
       WHERE NOT has_table_privilege($1 || '.' || name, 'SELECT')
          OR NOT has_table_privilege($1 || '.' || name, 'INSERT')
          OR NOT has_table_privilege($1 || '.' || name, 'UPDATE')
          OR NOT has_table_privilege($1 || '.' || name, 'DELETE')`,
    [quoted(address.schema), `{${tables.join(",")}}`],
  );
  if (row!.missing !== null) throw noRights(address, undefined, row!.missing);
}

/** The best of a few, as any server may stumble once. */
async function requireSwift(connection: Connection, address: PostgresAddress): Promise<number> {
  const msMax = limits.postgresCommitMsMax;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3 && bestMs > msMax; turn++) {
    const startMs = performance.now();
    await connection
      .query(
        `UPDATE ${quoted(address.schema)}.meta SET value = clock_timestamp() WHERE key = 'opened'`,
        undefined,
        3 * msMax,
      )
      .catch((thrown) => {
        throw failureOf(thrown) === "lost" ? tooSlow(address, `more than ${3 * msMax}`) : thrown;
      });
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  if (bestMs > msMax) throw tooSlow(address, String(Math.round(bestMs)));
  return bestMs;
}

function tooSlow({ shown }: PostgresAddress, ms: string): CanopyError {
  return new CanopyError(
    "unavailable",
    `Cannot use PostgreSQL at ${shown} as it must commit within ${limits.postgresCommitMsMax} ms: it takes ${ms} ms`,
    { hint: "Is its disk slow or overloaded, or its synchronous standby away?" },
  );
}

function notOurs({ shown, schema }: PostgresAddress, rule: string, value: string): CanopyError {
  return new CanopyError(
    "conflict",
    `Cannot use the schema '${schema}' of PostgreSQL at ${shown} as ${rule}: current value is ${value}`,
    { hint: "Name another schema with ?schema=…, or the cell that it belongs to with ?cell=…" },
  );
}

function isRights(thrown: unknown): boolean {
  return (thrown as { code?: string }).code === "42501";
}

function noRights(
  { shown, user, schema }: PostgresAddress,
  cause: unknown,
  on = `schema ${schema}`,
) {
  return new CanopyError(
    "forbidden",
    `Cannot use PostgreSQL at ${shown} as ${user ?? "its user"} must have all rights on: ${on}`,
    {
      hint: `GRANT CREATE ON DATABASE … TO ${user ?? "…"}, or let the owner of the schema in`,
      cause,
    },
  );
}
