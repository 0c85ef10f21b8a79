import { chown, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, freePort, portOpen, run, startServer } from "./process.ts";

const readyMsMax = 20_000;

export interface Postgres {
  url: string;
  stop(): Promise<void>;
}

/** Debian keeps the server's programs out of PATH, one folder for each version. */
async function programFolders(): Promise<string[]> {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, "bin"));
}

export async function postgresMissing(): Promise<string | undefined> {
  const programs = await Promise.all(
    ["initdb", "postgres"].map(async (name) => findProgram(name, await programFolders())),
  );
  if (programs.includes(undefined)) return "postgres is not installed: apt-get install postgresql";
  if (process.getuid?.() !== 0) return undefined;
  const user = await run("id", ["-u", "postgres"]).catch(() => undefined);
  return user
    ? undefined
    : "postgres refuses to run as root and there is no user postgres: apt-get install postgresql";
}

/** PostgreSQL with its own defaults for durability: fsync on, synchronous_commit on. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const initdb = await findProgram("initdb", await programFolders());
  const postgres = await findProgram("postgres", await programFolders());
  const pgIsReady = await findProgram("pg_isready", await programFolders());
  if (!initdb || !postgres || !pgIsReady)
    throw new Error((await postgresMissing()) ?? "postgres went away");
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  const asUser = await userPrefix(data);
  const [init, ...initArgs] = [
    ...asUser,
    initdb,
    "-D",
    data,
    "-U",
    "bench",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "--no-sync",
  ];
  await run(init!, initArgs, { cwd: data });
  const port = await freePort();
  const settings = {
    port: `${port}`,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "on",
    synchronous_commit: "on",
    shared_buffers: "512MB",
    max_wal_size: "4GB",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const [command, ...args] = [...asUser, postgres, "-D", data, ...options];
  const logPath = join(folder, "postgres.log");
  const server = startServer(command!, args, logPath);
  await portOpen(port, logPath);
  for (const until = performance.now() + readyMsMax; performance.now() < until; await sleep(50)) {
    // It listens before it has read its log.
    if (
      await run(pgIsReady, [
        "-h",
        "127.0.0.1",
        "-p",
        `${port}`,
        "-U",
        "bench",
        "-d",
        "postgres",
      ]).then(
        () => true,
        () => false,
      )
    )
      break;
  }
  // SIGINT is its fast shutdown: it ends open connections rather than waiting for them.
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop: () => server.stop("SIGINT") };
}

/**
 * As root, what to put before a command to run it as the user postgres, who then owns the data. The capability lets
 * that user pass the folders above, such as a private temporary one, without changing their modes.
 */
async function userPrefix(data: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const userId = Number((await run("id", ["-u", "postgres"])).stdout);
  const groupId = Number((await run("id", ["-g", "postgres"])).stdout);
  await chown(data, userId, groupId);
  const capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return ["setpriv", `--reuid=${userId}`, `--regid=${groupId}`, "--clear-groups", ...capability];
}
