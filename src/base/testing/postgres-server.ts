import { execFile, spawn, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);
/** Debian's: not in PATH, one folder for each version. */
const programs = "/usr/lib/postgresql/15/bin";
const readyMsMax = 60_000;

/** Why there can be no server here; undefined when there can. */
export const postgresMissing = existsSync(join(programs, "postgres"))
  ? undefined
  : "PostgreSQL 15 is not installed: apt-get install postgresql-15";

const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_wal_size: "1GB",
  wal_level: "replica",
  hot_standby: "on",
  log_min_messages: "warning",
};

const running = new Set<PostgresServer>();
process.once("exit", () => {
  for (const server of running) server.destroy();
});

/**
 * A real PostgreSQL 15 server in a folder of its own under the system's temporary one, on a free port of
 * 127.0.0.1, with its user `postgres` let in without a password. As root it runs as the user postgres. What
 * is left when the process ends is killed and removed.
 */
export class PostgresServer {
  readonly folder: string;
  readonly port: number;
  #settings: Record<string, string>;
  #process: ChildProcess | undefined;

  /** Makes and starts one; `more` are settings as in postgresql.conf. */
  static async start(more: Record<string, string> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), more);
    const initdb = ["-D", server.data, "-U", "postgres", "-A", "trust", "-E", "UTF8"];
    await server.#run("initdb", [...initdb, "--locale=C", "--no-sync"]);
    await server.start();
    return server;
  }

  private constructor(port: number, more: Record<string, string>) {
    if (postgresMissing !== undefined) throw new Error(postgresMissing);
    this.folder = mkdtempSync(join(tmpdir(), "canopy-postgres-"));
    if (process.getuid?.() === 0) chownSync(this.folder, ...postgresIds());
    this.port = port;
    this.#settings = { ...settings, ...more };
    running.add(this);
  }

  get data(): string {
    return join(this.folder, "data");
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `postgres://postgres@${this.host}/postgres`;
  }

  /** Of the process that all others of the server are children of. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when it answers: as the primary, or as a standby that can be read. */
  async start(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const child = this.#spawn();
      if (await this.#isReady(child)) return;
      // What is left of a killed server ends a moment later.
      if (tries === 20) throw new Error(`Cannot start PostgreSQL: ${this.said().slice(-1000)}`);
      await sleep(200);
    }
  }

  /** "fast" ends sessions and writes a checkpoint; "immediate" is as if the power went, but for what the kernel holds. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await this.#end(mode === "fast" ? "SIGINT" : "SIGQUIT");
  }

  /** SIGKILL to all of its processes. */
  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#killAll();
    await ended;
  }

  /** SIGSTOP or SIGCONT to all of its processes: it hangs, with its connections open. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.#pids()) process.kill(pid, signal);
  }

  /** A new standby that follows this server; a commit here waits for it when `synchronous`. */
  async addStandby(synchronous = true): Promise<PostgresServer> {
    const standby = new PostgresServer(await freePort(), this.#settings);
    const source = ["-h", "127.0.0.1", "-p", String(this.port), "-U", "postgres"];
    await this.#run("pg_basebackup", [
      ...source,
      "-D",
      standby.data,
      "-R",
      "-X",
      "stream",
      "-c",
      "fast",
      "--no-sync",
    ]);
    await standby.start();
    if (synchronous) await this.waitForStandby();
    return standby;
  }

  /** From now on a commit is answered when a standby has it on disk. */
  async waitForStandby(wait = true): Promise<void> {
    await this.sql(`ALTER SYSTEM SET synchronous_standby_names = '${wait ? "*" : ""}'`);
    await this.sql("SELECT pg_reload_conf()");
  }

  /** Makes a standby the primary; its commits wait for no other. */
  async promote(): Promise<void> {
    await this.sql("SELECT pg_promote(true, 60)");
  }

  /** Runs statements over a connection of their own. */
  async sql<Row>(text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url });
    client.on("error", () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query(text);
      return rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** What it has logged. */
  said(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, "utf8") : "";
  }

  /** Kills it, and removes all that it kept. */
  destroy(): void {
    this.#killAll();
    running.delete(this);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  get #logPath(): string {
    return join(this.folder, "log");
  }

  #spawn(): ChildProcess {
    const options = Object.entries({ ...this.#settings, port: this.port });
    const args = options.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const [program, ...rest] = command("postgres", ["-D", this.data, ...args]);
    const log = openSync(this.#logPath, "a");
    const child = spawn(program!, rest, { cwd: this.folder, stdio: ["ignore", log, log] });
    child.once("exit", () => {
      if (this.#process === child) this.#process = undefined;
    });
    this.#process = child;
    return child;
  }

  async #isReady(child: ChildProcess): Promise<boolean> {
    for (const until = performance.now() + readyMsMax; performance.now() < until; await sleep(25)) {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      const answers = await this.sql("SELECT 1").then(
        () => true,
        () => false,
      );
      if (answers) return true;
    }
    throw new Error(`Cannot reach PostgreSQL: ${this.said().slice(-1000)}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#ended();
    this.#process?.kill(signal);
    await ended;
  }

  async #ended(): Promise<void> {
    const child = this.#process;
    if (child) await new Promise<void>((resolve) => child.once("exit", () => resolve()));
  }

  #killAll(): void {
    for (const pid of this.#pids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it has ended
      }
    }
  }

  /** Children first, as they end by themselves once the first process has. */
  #pids(): number[] {
    const pid = this.#process?.pid;
    if (pid === undefined) return [];
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
      return [...children.trim().split(" ").filter(Boolean).map(Number), pid];
    } catch {
      return [pid];
    }
  }

  async #run(program: string, args: string[]): Promise<void> {
    const [first, ...rest] = command(program, args);
    await run(first!, rest, { cwd: this.folder });
  }
}

/**
 * PostgreSQL refuses to run as root. The capability lets the user postgres pass the folders above its data, such as a
 * private temporary one, without changing their modes.
 */
function command(program: string, args: string[]): string[] {
  const path = join(programs, program);
  if (process.getuid?.() !== 0) return [path, ...args];
  const [user, group] = postgresIds();
  const capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${group}`,
    "--clear-groups",
    ...capability,
    path,
    ...args,
  ];
}

function postgresIds(): [user: number, group: number] {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (!line) throw new Error("Cannot run PostgreSQL as root, and there is no user postgres");
  return [Number(line[1]), Number(line[2])];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
