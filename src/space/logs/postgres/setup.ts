import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { PostgresAddress } from "#/base/node/postgres/address.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import { explainFailure, failureOf } from "#/base/node/postgres/failures.ts";
import { format, quoted, schemaSql } from "./schema.ts";

const tables = "meta leader live archive extents changes".split(" ");

/**
 * Makes the tables where there are none, and refuses those that are not this cell's. Gives what tells this
 * log from any other, copies and restored ones included in it. Throws CanopyError: "conflict" when the tables are of
 * another cell, another program or another version, "forbidden" when the user may not use them,
 * "no-space" when the server's disk is full, "unavailable" when it takes too long to commit.
 */
export async function setUp(connection: Connection, address: PostgresAddress): Promise<string> {
  const { schema, shown } = address;
  const action = "open the log";
  try {
    if (!(await hasTable(connection, schema, "meta"))) await make(connection, address);
    await requireOurs(connection, address);
    await requireRights(connection, address);
    await requireSwift(connection, address);
    const [row] = await connection.query<{ value: string }>(
      `SELECT value FROM ${quoted(schema)}.meta WHERE key = 'id'`,
    );
    return row!.value;
  } catch (thrown) {
    throw isRights(thrown) ? noRights(address, thrown) : explainFailure(action, shown, thrown);
  }
}

async function hasTable(connection: Connection, schema: string, table: string): Promise<boolean> {
  const [row] = await connection.query<{ there: boolean }>(
    "SELECT to_regclass($1) IS NOT NULL AS there",
    [`${quoted(schema)}.${table}`],
  );
  return row!.there;
}

/** Of several control planes that start at once, one makes the tables. */
async function make(connection: Connection, address: PostgresAddress): Promise<void> {
  const { schema, cell } = address;
  await connection.query("BEGIN");
  try {
    await connection.query("SELECT pg_advisory_xact_lock(hashtext('canopy tables'))");
    // By a query, as what is asked by name may be answered from what was known before the lock.
    const rows = await connection.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
         WHERE relnamespace = to_regnamespace($1) AND relname = ANY ($2)`,
      [quoted(schema), `{${tables.join(",")}}`],
    );
    const names = rows.map(({ name }) => name);
    if (!names.includes("meta")) {
      if (names.length > 0)
        throw notOurs(address, "its tables must be Canopy's", `a schema with '${names[0]}' in it`);
      await connection.query(schemaSql(schema));
      await connection.query(
        `INSERT INTO ${quoted(schema)}.meta
           VALUES ('format', $1), ('cell', $2), ('id', gen_random_uuid()), ('opened', '')`,
        [format, cell],
      );
    }
    await connection.query("COMMIT");
  } catch (thrown) {
    if (connection.isOpen) await connection.query("ROLLBACK");
    throw thrown;
  }
}

async function requireOurs(connection: Connection, address: PostgresAddress): Promise<void> {
  const { schema, cell } = address;
  const rows = await connection
    .query<{ key: string; value: string }>(`SELECT key, value FROM ${quoted(schema)}.meta`)
    .catch((thrown: { code?: string }) => {
      if (thrown.code !== "42703") throw thrown; // a table of that name with other columns
      throw notOurs(address, "its tables must be Canopy's", `a schema with another 'meta' in it`);
    });
  const meta = new Map(rows.map(({ key, value }) => [key, value]));
  if (meta.get("format") !== format)
    throw notOurs(address, `its format must be ${format}`, `'${meta.get("format") ?? "none"}'`);
  if (meta.get("cell") !== cell)
    throw notOurs(address, `its cell must be '${cell}'`, `'${meta.get("cell")}'`);
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
async function requireSwift(connection: Connection, address: PostgresAddress): Promise<void> {
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
