import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  copyCluster,
  makeCluster,
  promote,
  serverCommand,
  sqlOf,
  waitForStandby,
  type Cluster,
} from "#/base/testing/postgres-cluster.ts";
import type { Place } from "./places.ts";
import { allProcesses, Program, signal } from "./processes.ts";
import { programVictim, type Victim } from "./site.ts";

const readyMsMax = 60_000;
const settings = { wal_receiver_timeout: "3s", wal_sender_timeout: "3s" };
const anyoneMayEnter = `
host all all 0.0.0.0/0 trust
host replication all 0.0.0.0/0 trust
`;

/** One PostgreSQL server, started again whenever it ends. */
export class Postgres {
  readonly name: string;
  readonly cluster: Cluster;
  readonly program: Program;

  private constructor(folder: string, { name, wrap }: Place, cluster: Cluster) {
    this.name = name;
    this.cluster = cluster;
    this.program = new Program(name, () => ({
      command: wrap(serverCommand(cluster)),
      env: { PATH: process.env["PATH"]!, LANG: "C" },
      logFile: join(folder, `${name}.log`),
    }));
  }

  /** A new and empty one, ready. */
  static async start(folder: string, place: Place): Promise<Postgres> {
    const cluster = clusterAt(folder, place);
    await makeCluster(cluster);
    appendFileSync(join(cluster.data, "pg_hba.conf"), anyoneMayEnter);
    const server = new Postgres(folder, place, cluster);
    await server.untilReady();
    return server;
  }

  /** A standby that follows this one, whose commits wait for it from now on. */
  async addStandby(folder: string, place: Place): Promise<Postgres> {
    const cluster = clusterAt(folder, place);
    await copyCluster(cluster, this.cluster);
    const server = new Postgres(folder, place, cluster);
    await server.untilReady();
    await waitForStandby(this.cluster);
    return server;
  }

  async untilReady(): Promise<void> {
    const untilMs = performance.now() + readyMsMax;
    while (!(await this.answers())) {
      if (performance.now() > untilMs)
        throw new Error(`${this.name} does not answer in ${readyMsMax} ms`);
      await sleep(50);
    }
  }

  answers(): Promise<boolean> {
    return sqlOf(this.cluster, "SELECT 1").then(
      () => true,
      () => false,
    );
  }

  /** Throws when it has not become one that takes writes. */
  promote(): Promise<void> {
    return promote(this.cluster);
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

function clusterAt(folder: string, { name, address, port }: Place): Cluster {
  return { data: join(folder, name), address, port, settings };
}
