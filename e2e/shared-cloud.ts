import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PostgresServer } from "#/base/testing/postgres-server.ts";
import type { StatusView } from "#/model/views.ts";
import { connect, type Client } from "#/sdk/client.ts";
import { canopyFile, TestCloud } from "./cloud.ts";

/** Control planes over one PostgreSQL, and agents that know them all: the real programs, each a process. */
export class SharedCloud {
  readonly folder = mkdtempSync(join(tmpdir(), "canopy-shared-"));
  readonly planes: TestCloud[] = [];
  readonly postgres: PostgresServer;
  readonly #agents: ChildProcess[] = [];

  static async start(planes: number, agents: number): Promise<SharedCloud> {
    const cloud = new SharedCloud(await PostgresServer.start());
    for (let number = 0; number < planes; number++) await cloud.addPlane();
    for (let number = 0; number < agents; number++) await cloud.addAgent(number);
    return cloud;
  }

  private constructor(postgres: PostgresServer) {
    this.postgres = postgres;
  }

  /** Of all control planes, with commas between. */
  get url(): string {
    return this.planes.map(({ url }) => url).join(",");
  }

  async addPlane(): Promise<void> {
    const plane = new TestCloud();
    this.planes.push(plane);
    await this.up(plane);
  }

  async up(plane: TestCloud): Promise<void> {
    await plane.up("--log", this.postgres.url, "--no-agent", "--keep-context");
  }

  /** A machine of so many tasks at once, ready when it is connected. */
  async addAgent(number: number): Promise<void> {
    const [plane] = this.planes as [TestCloud];
    const { token } = await plane.call<{ token: string }>("POST", "/v1/join-tokens", {});
    const folder = join(this.folder, `agent-${number}`);
    const flags = ["--token", token, "--folder", folder, "--cpus", "8", "--memory", "8GiB"];
    const env = { PATH: process.env["PATH"]!, HOME: this.folder };
    const child = spawn(canopyFile, ["join", this.url, ...flags], { stdio: "ignore", env });
    this.#agents.push(child);
    await until(async () => (await this.status()).machinesConnected === this.#agents.length);
  }

  /** Calls by any of the control planes, as a program with the SDK makes them. */
  client(): Promise<Client> {
    return connect({ url: this.url, key: this.planes[0]!.key, patienceMs: 20_000 });
  }

  async status(): Promise<StatusView> {
    return (await this.client()).status();
  }

  /** Who leads, and all others that have not been killed. */
  async roles(): Promise<{ leader: TestCloud; followers: TestCloud[] }> {
    const { controlPlanes } = await this.status();
    const known = (role: string) =>
      this.planes.filter(({ url }) =>
        controlPlanes.some((plane) => plane.url === url && plane.role === role),
      );
    return { leader: known("leader")[0]!, followers: known("follower") };
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) {
      const ended = once(agent, "exit");
      if (agent.exitCode === null && agent.kill("SIGTERM")) await ended;
    }
    await Promise.all(this.planes.map((plane) => plane.stop()));
    this.postgres.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
