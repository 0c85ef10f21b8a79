import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { allProcesses, Program, signal } from "./processes.ts";
import type { Place } from "./places.ts";
import { programVictim, type Victim } from "./site.ts";

const programs = "/usr/lib/postgresql/15/bin";
const readyMsMax = 60_000;

/** Why there can be no server here; undefined when there can. */
export const postgresMissing = existsSync(join(programs, "postgres"))
  ? undefined
  : "PostgreSQL 15 is not installed: apt-get install postgresql-15";

/** One PostgreSQL server, started again whenever it ends. */
export class Postgres {
  readonly place: Place;
  readonly program: Program;
  #data: string;

  private constructor(folder: string, place: Place) {
    this.place = place;
    this.#data = join(folder, place.name);
    const settings = {
      listen_addresses: place.address,
      port: String(place.port),
      unix_socket_directories: "",
      shared_buffers: "64MB",
      log_min_messages: "warning",
      wal_receiver_timeout: "3s",
      wal_sender_timeout: "3s",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.program = new Program(place.name, () => ({
      command: place.wrap(asPostgres([join(programs, "postgres"), "-D", this.#data, ...flags])),
      env: { PATH: process.env["PATH"]!, LANG: "C" },
      logFile: join(folder, `${place.name}.log`),
    }));
  }

  /** A new and empty one, ready. */
  static async start(folder: string, place: Place): Promise<Postgres> {
    makeDataFolder(folder, place);
    const data = join(folder, place.name);
    const flags = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    run([join(programs, "initdb"), "-D", data, ...flags]);
    const anywhere = "host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n";
    appendFileSync(join(data, "pg_hba.conf"), anywhere);
    const server = new Postgres(folder, place);
    await server.untilReady();
    return server;
  }

  /** A standby that follows `primary`, whose commits wait for it from now on. */
  static async standby(folder: string, place: Place, primary: Postgres): Promise<Postgres> {
    makeDataFolder(folder, place);
    const { address, port } = primary.place;
    const source = ["-h", address, "-p", String(port), "-U", "postgres"];
    const how = ["-R", "-X", "stream", "-c", "fast", "--no-sync"];
    run([join(programs, "pg_basebackup"), ...source, "-D", join(folder, place.name), ...how]);
    const server = new Postgres(folder, place);
    await server.untilReady();
    await primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await primary.sql("SELECT pg_reload_conf()");
    return server;
  }

  get host(): string {
    return `${this.place.address}:${this.place.port}`;
  }

  async untilReady(): Promise<void> {
    const untilMs = performance.now() + readyMsMax;
    while (!(await this.answers())) {
      if (performance.now() > untilMs)
        throw new Error(`${this.place.name} does not answer in ${readyMsMax} ms`);
      await sleep(50);
    }
  }

  answers(): Promise<boolean> {
    return this.sql("SELECT 1").then(
      () => true,
      () => false,
    );
  }

  async sql(text: string): Promise<unknown[]> {
    const connectionString = `postgres://postgres@${this.host}/postgres`;
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query(text)).rows as unknown[];
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  victims(): Victim[] {
    const { pid } = this.program;
    if (pid === undefined) return [];
    const children = allProcesses().filter(({ parent, state }) => parent === pid && state !== "Z");
    const backends = children.map(({ pid: own, command }): Victim => ({
      kind: "backend",
      name: command.slice(0, 60),
      pid: own,
      kill: () => signal(own, "SIGKILL"),
    }));
    // A pause of the first process alone would stop nothing but new connections.
    const pauseAll = (name: NodeJS.Signals) => {
      for (const own of [pid, ...children.map((child) => child.pid)]) signal(own, name);
      return true;
    };
    const postmaster = programVictim("postmaster", this.program).map((victim) => ({
      ...victim,
      isStarting: false, // it says nothing when it is ready
      pause: () => pauseAll("SIGSTOP"),
      resume: () => void pauseAll("SIGCONT"),
    }));
    return [...postmaster, ...backends];
  }
}

function makeDataFolder(folder: string, place: Place): void {
  const data = join(folder, place.name);
  mkdirSync(data, { mode: 0o700 });
  chmodSync(folder, 0o711);
  if (process.getuid?.() === 0) chownSync(data, ...postgresIds());
}

function run(command: string[]): void {
  const [program, ...args] = asPostgres(command);
  execFileSync(program!, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** PostgreSQL refuses to run as root. The capability lets it pass the folders above its own, whose modes are not ours. */
function asPostgres(command: string[]): string[] {
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
