import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import {
  copyCluster,
  hostOf,
  isPostgresInstalled,
  makeCluster,
  promote,
  serverCommand,
  sqlOf,
  urlOf,
  waitForStandby,
  type Cluster,
} from "./postgres-cluster.ts";

const readyMsMax = 60_000;

/** Why there can be no server here; undefined when there can. */
export const postgresMissing = isPostgresInstalled
  ? undefined
  : "PostgreSQL 15 is not installed: apt-get install postgresql-15";

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
  #cluster: Cluster;
  #process: ChildProcess | undefined;

  /** Makes and starts one; `more` are settings as in postgresql.conf. */
  static async start(more: Record<string, string> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), more);
    await makeCluster(server.#cluster);
    await server.start();
    return server;
  }

  private constructor(port: number, settings: Record<string, string> = {}) {
    if (postgresMissing !== undefined) throw new Error(postgresMissing);
    this.folder = mkdtempSync(join(tmpdir(), "canopy-postgres-"));
    this.#cluster = { data: join(this.folder, "data"), address: "127.0.0.1", port, settings };
    running.add(this);
  }

  get data(): string {
    return this.#cluster.data;
  }

  get port(): number {
    return this.#cluster.port;
  }

  get host(): string {
    return hostOf(this.#cluster);
  }

  get url(): string {
    return urlOf(this.#cluster);
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
    const standby = new PostgresServer(await freePort(), this.#cluster.settings);
    await copyCluster(standby.#cluster, this.#cluster);
    await standby.start();
    if (synchronous) await this.waitForStandby();
    return standby;
  }

  /** From now on a commit is answered when a standby has it on disk. */
  async waitForStandby(wait = true): Promise<void> {
    await waitForStandby(this.#cluster, wait);
  }

  /** Makes a standby the primary; its commits wait for no other. */
  async promote(): Promise<void> {
    await promote(this.#cluster);
  }

  /** Runs statements over a connection of their own. */
  async sql<Row>(text: string): Promise<Row[]> {
    return await sqlOf<Row>(this.#cluster, text);
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
    const [program, ...args] = serverCommand(this.#cluster);
    const log = openSync(this.#logPath, "a");
    const child = spawn(program!, args, { cwd: this.folder, stdio: ["ignore", log, log] });
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
}
