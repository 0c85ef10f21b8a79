import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PostgresServer } from "#/base/testing/postgres-server.ts";
import type { StatusView } from "#/model/views.ts";
import { connect, type Client } from "#/sdk/client.ts";
import { TestCloud } from "./cloud.ts";
import { JoinedAgent } from "./joined-agent.ts";
import { guarded } from "./guard.ts";
import { until } from "./until.ts";

/** Control planes over one PostgreSQL, and agents that know them all: the real programs, each a process. */
export class SharedCloud {
  readonly folder = mkdtempSync(join(tmpdir(), "canopy-shared-"));
  readonly planes: TestCloud[] = [];
  readonly postgres: PostgresServer;
  readonly agents: JoinedAgent[] = [];

  /** `flags` are the first control plane's, in place of "--no-agent": it is the first to lead. */
  static async start(planes: number, agents: number, flags?: string[]): Promise<SharedCloud> {
    const cloud = new SharedCloud(await PostgresServer.start());
    try {
      for (let number = 0; number < planes; number++)
        await cloud.addPlane(number === 0 ? flags : undefined);
      for (let number = 0; number < agents; number++) await cloud.addAgent(number);
      return cloud;
    } catch (thrown) {
      await cloud.stop();
      throw thrown;
    }
  }

  private constructor(postgres: PostgresServer) {
    this.postgres = postgres;
    guarded(this.folder);
    guarded(postgres.folder);
  }

  /** Of all control planes, with commas between. */
  get url(): string {
    return this.planes.map(({ url }) => url).join(",");
  }

  async addPlane(flags?: string[]): Promise<void> {
    const plane = new TestCloud();
    this.planes.push(plane);
    await this.up(plane, flags);
  }

  async up(plane: TestCloud, flags = ["--no-agent"]): Promise<void> {
    await plane.up("--log", this.postgres.url, "--keep-context", ...flags);
  }

  /** A machine of so many tasks at once, ready when it is connected. */
  async addAgent(number: number): Promise<void> {
    const [plane] = this.planes as [TestCloud];
    const folder = join(this.folder, `agent-${number}`);
    const flags = ["--cpus", "8", "--memory", "8GiB"];
    this.agents.push(await JoinedAgent.start(plane, { urls: this.url, folder, flags }));
    await until(
      `${this.agents.length} machines are connected`,
      async () => (await this.status()).machinesConnected === this.agents.length,
    );
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
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await Promise.all(this.planes.map((plane) => plane.stop()));
    this.postgres.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
