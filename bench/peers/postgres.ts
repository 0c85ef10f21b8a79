import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, freePort, portOpen, run, startServer } from "./process.ts";

export interface Postgres {
  url: string;
  stop(): Promise<void>;
}

/** Debian keeps the server's programs out of PATH, one folder for each version. */
async function programFolders(): Promise<string[]> {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(root, version, "bin"));
}

export async function postgresMissing(): Promise<string | undefined> {
  const programs = await Promise.all(["initdb", "postgres"].map(async (name) => findProgram(name, await programFolders())));
  if (programs.includes(undefined)) return "postgres is not installed: apt-get install postgresql";
  if (process.getuid?.() !== 0) return undefined;
  const user = await run("id", ["-u", "postgres"]).catch(() => undefined);
  return user ? undefined : "postgres refuses to run as root and there is no user postgres: apt-get install postgresql";
}

/** PostgreSQL with its own defaults for durability: fsync on, synchronous_commit on. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const initdb = await findProgram("initdb", await programFolders());
  const postgres = await findProgram("postgres", await programFolders());
  if (!initdb || !postgres) throw new Error((await postgresMissing()) ?? "postgres went away");
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  const asUser = await userPrefix(folder, data);
  const [init, ...initArgs] = [...asUser, initdb, "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
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
  // SIGINT is its fast shutdown: it ends open connections rather than waiting for them.
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop: () => server.stop("SIGINT") };
}

/** As root, what to put before a command to run it as the user postgres, who then owns the data. */
async function userPrefix(folder: string, data: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const [userId, groupId] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)));
  await chmod(folder, 0o711);
  await chown(data, userId!, groupId!);
  return ["setpriv", `--reuid=${userId}`, `--regid=${groupId}`, "--clear-groups"];
}
