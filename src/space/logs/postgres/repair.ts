import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import type { Mendable } from "../examination.ts";
import { Extents } from "../extents.ts";
import { readableTasks, repairedGap } from "../mending.ts";
import { arrayOf } from "./encode.ts";
import { requireNoLeader } from "./leader.ts";
import { channelOf, quoted } from "./schema.ts";

const pageRows = 1000;

/** The tables that a mend changes, of which a copy is made. */
const changed: Record<Mendable, string[]> = {
  "write-ahead": [],
  changes: ["changes", "leader"],
  names: ["extents"],
  indexes: [],
  twice: ["archive"],
  count: ["leader"],
  leader: ["leader"],
};

/**
 * Mends what can be mended without losing a record that is there, after copying the tables that it
 * changes: all of it or nothing. Gives the copies. Nobody can lead meanwhile, and who led before is deposed.
 * Throws "conflict" when someone leads.
 */
export async function repairPostgres(
  connection: Connection,
  schema: string,
  mends: ReadonlySet<Mendable>,
): Promise<string[]> {
  const s = quoted(schema);
  const run = (sql: string) => connection.query(sql, undefined, limits.postgresScanMs);
  await run("BEGIN");
  try {
    await run(`LOCK TABLE ${s}.leader IN EXCLUSIVE MODE`);
    await requireNoLeader(connection, s, "repair the log");
    const copies = await copyAside(connection, s, mends);
    if (mends.has("indexes"))
      for (const table of ["live", "archive", "extents", "changes"])
        await run(`REINDEX TABLE ${s}.${table}`);
    if (mends.has("leader"))
      await run(`INSERT INTO ${s}.leader DEFAULT VALUES ON CONFLICT DO NOTHING;
                 INSERT INTO ${s}.meta VALUES ('id', gen_random_uuid()) ON CONFLICT DO NOTHING`);
    if (mends.has("twice"))
      await run(`DELETE FROM ${s}.archive USING ${s}.live WHERE archive.serial = live.serial`);
    if (mends.has("names")) await nameAgain(connection, s);
    if (mends.has("changes")) await dropChanges(run, s);
    if (mends.has("leader") || mends.has("changes") || mends.has("count")) await run(headSql(s));
    // Also one that was only paused can append no more, and holds no lease.
    const more = mends.has("leader") ? limits.restoredEpochs : 1;
    await run(`UPDATE ${s}.leader SET epoch = epoch + ${more}, resigned = true;
               SELECT pg_notify('${channelOf(schema)}', '')`);
    await run("COMMIT");
    return copies.map((name) => `${schema}.${name}`);
  } catch (thrown) {
    if (connection.isOpen) await run("ROLLBACK");
    throw thrown;
  }
}

async function copyAside(
  connection: Connection,
  s: string,
  mends: ReadonlySet<Mendable>,
): Promise<string[]> {
  const tables = new Set([...mends].flatMap((mend) => changed[mend]));
  const rows = await connection.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = '${s}'::regnamespace
       AND relname LIKE '%\\_before\\_repair\\_%'`,
  );
  const numbers = rows.map(({ name }) => Number(name.split("_").at(-1)));
  const copies = [...tables].map((table) => ({
    table,
    copy: `${table}_before_repair_${Math.max(0, ...numbers) + 1}`,
  }));
  for (const { table, copy } of copies)
    await connection.query(
      `CREATE TABLE ${s}.${copy} AS TABLE ${s}.${table}`,
      undefined,
      limits.postgresScanMs,
    );
  return copies.map(({ copy }) => copy);
}

/** Changes are for watchers that come back: without them they read the present state. Their numbers go on. */
async function dropChanges(run: (sql: string) => Promise<unknown>, s: string): Promise<void> {
  await run(`
    UPDATE ${s}.leader SET
      sequence = greatest(sequence, (SELECT max(sequence) FROM ${s}.changes)) + ${repairedGap},
      serial = greatest(serial, (SELECT max(serial) FROM ${s}.changes)),
      epoch = greatest(epoch, (SELECT max(epoch) FROM ${s}.changes));
    DELETE FROM ${s}.changes;
    INSERT INTO ${s}.changes SELECT sequence, epoch, serial, md5('')::uuid, '', '' FROM ${s}.leader`);
}

/** What the row of the leader says of the other tables. */
function headSql(s: string): string {
  return `
    UPDATE ${s}.leader SET
      epoch = greatest(epoch, (SELECT max(epoch) FROM ${s}.changes)),
      sequence = greatest(sequence, (SELECT max(sequence) FROM ${s}.changes)),
      serial = greatest(serial, (SELECT max(serial) FROM ${s}.changes),
        (SELECT max(serial) FROM ${s}.live), (SELECT max(serial) FROM ${s}.archive)),
      live = (SELECT count(*) FROM ${s}.live)`;
}

/** Notes again where tasks are, from the tasks themselves. */
async function nameAgain(connection: Connection, s: string): Promise<void> {
  await connection.query(`DELETE FROM ${s}.extents`);
  const extents = new Extents();
  for (let after = -1; ;) {
    const rows = await connection.query<{ serial: number; body: string }>(
      `SELECT serial, body FROM (
         (SELECT serial, body FROM ${s}.live WHERE serial > $1 ORDER BY serial LIMIT ${pageRows})
         UNION ALL
         (SELECT serial, body FROM ${s}.archive WHERE serial > $1 AND kind = 'task' ORDER BY serial LIMIT ${pageRows})
       ) AS task ORDER BY serial LIMIT ${pageRows}`,
      [after],
      limits.postgresScanMs,
    );
    if (rows.length === 0) return;
    after = rows.at(-1)!.serial;
    const made = extents.of(rows.flatMap(({ body }) => readableTasks(body)));
    await connection.query(
      `INSERT INTO ${s}.extents SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
         ON CONFLICT (step, first) DO UPDATE SET serial = excluded.serial, count = excluded.count`,
      [
        arrayOf(made.map(({ step }) => step)),
        arrayOf(made.map(({ first }) => first)),
        arrayOf(made.map(({ serial }) => serial)),
        arrayOf(made.map(({ count }) => count)),
      ],
    );
  }
}
