import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import { PostgresDatabase } from "#/base/node/postgres/database.ts";
import { explainFailure } from "#/base/node/postgres/failures.ts";
import type { PostgresServers } from "#/base/node/postgres/servers.ts";
import { goodUnless, type Finding } from "#/doctor/finding.ts";
import { examinePlace, type Place } from "#/doctor/place.ts";
import { examineOutput } from "#/logs/examine.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { PostgresBlobs } from "#/blobs/postgres.ts";
import { examinePostgres } from "#/space/logs/postgres/examine.ts";
import { isAlive, lastLeader, requireNoLeader } from "#/space/logs/postgres/leader.ts";
import { repairPostgres } from "#/space/logs/postgres/repair.ts";
import { quoted } from "#/space/logs/postgres/schema.ts";
import { measureCommit, requireLog } from "#/space/logs/postgres/setup.ts";

/**
 * Looks at all that the database of a shared log holds, as of one moment, also while control planes work. Changes
 * nothing unless told to repair, and then only what can be mended without losing a record, after a copy was made.
 * What keeps it from being used, or that there is no cloud in it, is a finding. Throws CanopyError: "conflict" when it is to be
 * repaired and a control plane leads, "unavailable" when it answers no more.
 */
export async function examineShared(
  servers: PostgresServers,
  surroundings: () => Promise<Finding[]>,
  repair: boolean,
): Promise<Finding[]> {
  const { address } = servers;
  const s = quoted(address.schema);
  const opened = await open(servers);
  if ("refusal" in opened) return [...(await surroundings()), ...refusedFindings(opened.refusal)];
  const { connection } = opened;
  const database = new PostgresDatabase(servers);
  try {
    if (repair) await requireNoLeader(connection, s, "repair the log");
    return [
      ...(await surroundings()),
      await serverFinding(servers),
      await leaderFinding(connection, s),
      ...(await examinePlace(placeOf(servers, connection, database), repair)),
      ...(await outputFindings(connection, s)),
    ];
  } catch (thrown) {
    throw explainFailure("look at the log", address.shown, thrown);
  } finally {
    connection.destroy();
    database.close();
  }
}

async function open(
  servers: PostgresServers,
): Promise<{ connection: Connection } | { refusal: CanopyError }> {
  let connection: Connection | undefined;
  try {
    connection = await servers.connect();
    await requireLog(connection, servers.address);
    return { connection };
  } catch (thrown) {
    connection?.destroy();
    if (!(thrown instanceof CanopyError) || thrown.code === "invalid") throw thrown;
    return { refusal: thrown };
  }
}

function refusedFindings(refusal: CanopyError): Finding[] {
  return [
    databaseFault(refusal),
    {
      check: "log",
      state: "unknown",
      detail: "The log and what it names are looked at when the database can be used",
    },
  ];
}

function databaseFault({ message, hint }: CanopyError): Finding {
  return {
    check: "database",
    state: "fault",
    detail: message,
    ...(hint !== undefined && { remedy: hint }),
  };
}

/** Over a connection of its own: one that commits too slowly is given up. */
async function serverFinding(servers: PostgresServers): Promise<Finding> {
  const { address } = servers;
  const connection = await servers.connect();
  try {
    const ms = await measureCommit(connection, address);
    const [facts] = await connection.query<{ version: string; bytes: number }>(
      `SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes`,
    );
    const { version, bytes } = facts!;
    const detail = `PostgreSQL ${version} commits in ${briefDuration(ms)}; the database has ${briefSize(bytes)}, its schema '${address.schema}' the cell '${address.cell}'`;
    return { check: "database", state: "good", detail };
  } catch (thrown) {
    if (thrown instanceof CanopyError) return databaseFault(thrown);
    throw thrown;
  } finally {
    connection.destroy();
  }
}

async function leaderFinding(connection: Connection, s: string): Promise<Finding> {
  const leader = await lastLeader(connection, s);
  const finding = (detail: string): Finding => ({ check: "leader", state: "good", detail });
  if (!leader) return finding("Nobody leads, and nobody did");
  const { epoch, url, silentMs } = leader;
  const who = `${url || "a process without a URL"}, under epoch ${epoch}`;
  if (isAlive(leader)) return finding(`Led by ${who}, heard ${briefDuration(silentMs)} ago`);
  const end = leader.resigned ? "which resigned" : `heard ${briefDuration(silentMs)} ago`;
  return finding(`Nobody leads; the last was ${who}, ${end}`);
}

function placeOf(
  { address }: PostgresServers,
  connection: Connection,
  database: PostgresDatabase,
): Place {
  return {
    commands: {
      doctor: `canopy doctor --log ${address.shown}`,
      restore: "canopy restore FILE --log postgres://…",
    },
    examine: (onRecord) => examinePostgres(connection, address.schema, onRecord),
    repair: (mends) => repairPostgres(connection, address.schema, mends),
    blobs: () => PostgresBlobs.open({ database }),
  };
}

async function outputFindings(connection: Connection, s: string): Promise<Finding[]> {
  const query = <Row>(sql: string) => connection.query<Row>(sql, undefined, limits.postgresScanMs);
  const { jobs, faults } = await examineOutput(query, s);
  return goodUnless(
    "output",
    `What ${jobs} jobs printed is whole`,
    faults.map((detail) => ({
      check: "output",
      state: "fault",
      detail,
      remedy: "Nothing else needs these lines: the database's own backup may have them",
    })),
  );
}
