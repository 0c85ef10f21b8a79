import { execFile } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);
/** Debian's: not in PATH, one folder for each version. */
const programs = "/usr/lib/postgresql/15/bin";
const connectMsMax = 10_000;

export const isPostgresInstalled = existsSync(join(programs, "postgres"));

const settings = {
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_wal_size: "1GB",
  wal_level: "replica",
  hot_standby: "on",
  log_min_messages: "warning",
};

/** The data of one PostgreSQL server, its user `postgres` let in without a password, and where it listens. */
export interface Cluster {
  /** Its folder. */
  data: string;
  address: string;
  port: number;
  /** As in postgresql.conf. */
  settings?: Record<string, string>;
}

/** Makes the data of a new and empty server. */
export async function makeCluster({ data }: Cluster): Promise<void> {
  await runIn(data, "initdb", [
    "-U",
    "postgres",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "--no-sync",
  ]);
}

/** Makes the data of a standby that follows `primary`, which runs. */
export async function copyCluster({ data }: Cluster, primary: Cluster): Promise<void> {
  const source = ["-h", primary.address, "-p", String(primary.port), "-U", "postgres"];
  await runIn(data, "pg_basebackup", [...source, "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
}

/** The command that is the server. */
export function serverCommand({ data, address, port, settings: more }: Cluster): string[] {
  const all = { ...settings, ...more, listen_addresses: address, port: String(port) };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return asPostgres("postgres", ["-D", data, ...flags]);
}

export function hostOf({ address, port }: Cluster): string {
  return `${address}:${port}`;
}

export function urlOf(cluster: Cluster): string {
  return `postgres://postgres@${hostOf(cluster)}/postgres`;
}

/** Runs statements over a connection of their own. */
export async function sqlOf<Row>(cluster: Cluster, text: string): Promise<Row[]> {
  const connectionString = urlOf(cluster);
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectMsMax });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** From now on a commit is answered when a standby has it on disk. */
export async function waitForStandby(cluster: Cluster, wait = true): Promise<void> {
  await sqlOf(cluster, `ALTER SYSTEM SET synchronous_standby_names = '${wait ? "*" : ""}'`);
  await sqlOf(cluster, "SELECT pg_reload_conf()");
}

/** Makes a standby the primary; its commits wait for no other. Throws when it has not become it. */
export async function promote(cluster: Cluster): Promise<void> {
  const sql = "SELECT pg_promote(true, 60) AS promoted";
  const [row] = await sqlOf<{ promoted: boolean }>(cluster, sql);
  if (!row?.promoted) throw new Error(`The standby ${hostOf(cluster)} was not promoted`);
}

async function runIn(data: string, program: string, args: string[]): Promise<void> {
  mkdirSync(data, { mode: 0o700 });
  if (process.getuid?.() === 0) chownSync(data, ...postgresIds());
  const [first, ...rest] = asPostgres(program, ["-D", data, ...args]);
  await run(first!, rest, { cwd: data });
}

/**
 * PostgreSQL refuses to run as root. The capability lets the user postgres pass the folders above its data, such as a
 * private temporary one, without changing their modes.
 */
function asPostgres(program: string, args: string[]): string[] {
  const command = [join(programs, program), ...args];
  if (process.getuid?.() !== 0) return command;
  const [user, group] = postgresIds();
  const capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  const ids = [`--reuid=${user}`, `--regid=${group}`, "--clear-groups"];
  return ["setpriv", ...ids, ...capability, ...command];
}

function postgresIds(): [user: number, group: number] {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (!line) throw new Error("Cannot run PostgreSQL as root, and there is no user postgres");
  return [Number(line[1]), Number(line[2])];
}
