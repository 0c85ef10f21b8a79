import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tinyGuest } from "#/drivers/vm/testing/tiny-guest.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import { TestCloud } from "../../e2e/cloud.ts";
import { JoinedAgent } from "../../e2e/joined-agent.ts";
import { until } from "../../e2e/until.ts";
import { Wire } from "../../e2e/wire.ts";
import { median } from "../figures.ts";
import type { Part } from "./part.ts";

const pauseMsMax = 300;
/** There, and back. */
const movesMin = 4;
const ready = "ready for commands";

const kinds = [
  { what: "microVM", type: "u.micro", figure: "migrationPauseMicrovmMs" },
  { what: "whole computer", type: "v.micro", figure: "migrationPauseVmMs" },
];

/**
 * For how long a guest of 256 MiB that does nothing stands still when it moves, its disk with it, between two agents that have
 * network namespaces as machines: as the machine tells that it has left.
 */
export const migration: Part = {
  name: "migration",
  async measure({ folder, runs, say }) {
    const pair = await Pair.start(folder);
    try {
      const image = await pair.guestImage();
      const results = [];
      for (const { what, type, figure } of kinds) {
        const pauses = await pair.pauses(image, type, Math.max(runs, movesMin));
        say(`migration: a ${what} stood still for ${pauses.join(", ")} ms`);
        results.push({ what, figure, pauseMs: median(pauses) });
      }
      return {
        figures: Object.fromEntries(results.map(({ figure, pauseMs }) => [figure, pauseMs])),
        goals: results.map(({ what, pauseMs }) => ({
          what: `pause of a ${what} of 256 MiB that moves, idle`,
          target: `< ${pauseMsMax} ms`,
          figure: `${pauseMs.toFixed(0)} ms`,
          holds: pauseMs < pauseMsMax,
        })),
      };
    } finally {
      await pair.stop();
    }
  },
};

/** A cloud, and two machines beside it. */
class Pair {
  readonly #cloud: TestCloud;
  readonly #wire = new Wire();
  #agents: JoinedAgent[] = [];

  static async start(folder: string): Promise<Pair> {
    const pair = new Pair(folder);
    try {
      await pair.#cloud.up("--no-agent", "--host", pair.#wire.address);
      for (const name of ["one", "two"]) await pair.#join(name);
      return pair;
    } catch (thrown) {
      await pair.stop();
      throw thrown;
    }
  }

  private constructor(folder: string) {
    this.#cloud = new TestCloud(folder);
  }

  async #join(name: string): Promise<void> {
    const folder = join(this.#cloud.dataFolder, name);
    mkdirSync(folder);
    const startedBy = this.#wire.machine();
    const agent = await JoinedAgent.start(this.#cloud, { folder, startedBy });
    this.#agents.push(agent);
    await until(`${name} has joined`, () => agent.machine !== undefined);
  }

  async #asked<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.#cloud.canopy(...words, "--json");
    if (code !== 0) throw new Error(`canopy ${words.join(" ")}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async guestImage(): Promise<string> {
    const guest = tinyGuest();
    if (!guest) throw new Error("There is no kernel for guests here: npm run setup -- --tests");
    const disk = join(this.#cloud.dataFolder, "disk.raw");
    writeFileSync(disk, Buffer.alloc(2 ** 20));
    const boot = ["--boot-kernel", guest.kernel, "--boot-initrd", guest.initrd];
    const words = ["import", disk, ...boot, "--command-line", "quiet", "--name", "guest"];
    return (await this.#asked<{ id: string }>("images", ...words)).id;
  }

  /** Of one such guest that goes from one to the other, and back, so many times. */
  async pauses(image: string, type: string, moves: number): Promise<number[]> {
    const id = await this.#launch(image, type);
    const said = async () => (await this.#cloud.canopy("instances", "console", id)).stdout;
    await until("the guest is ready", async () => (await said()).includes(ready));
    const pauses: number[] = [];
    for (let move = 0; move < moves; move++) pauses.push(await this.#pauseOf(id));
    await this.#terminate(id);
    return pauses;
  }

  /** As soon as a machine has said what it can do. */
  async #launch(image: string, type: string): Promise<string> {
    let ids: { id: string }[] = [];
    await until("there is room", async () => {
      const words = ["instances", "run", image, "--type", type, "--json"];
      const { code, stdout } = await this.#cloud.canopy(...words);
      if (code === 0) ids = JSON.parse(stdout) as { id: string }[];
      return code === 0;
    });
    return ids[0]!.id;
  }

  async #pauseOf(id: string): Promise<number> {
    const { machine } = await this.#asked<InstanceView>("instances", "show", id);
    const to = this.#agents.find((agent) => agent.machine !== machine)!.machine!;
    const { moved } = await this.#asked<InstanceView>("instances", "migrate", id, "--to", to);
    if (moved?.to !== to || moved.pauseMs === undefined)
      throw new Error(`${id} did not say for how long it stood still when it moved to ${to}`);
    return Math.round(moved.pauseMs);
  }

  async #terminate(id: string): Promise<void> {
    await this.#asked("instances", "rm", id, "--yes", "--wait");
  }

  /** Nothing of it is left: what runs would outlive its agent. */
  async stop(): Promise<void> {
    if (this.#cloud.url !== "") await this.#terminateAll();
    for (const agent of this.#agents) await agent.stop();
    await this.#cloud.stop();
    this.#wire.remove();
  }

  async #terminateAll(): Promise<void> {
    const { items } = await this.#cloud.call<{ items: InstanceView[] }>("GET", "/v1/instances");
    for (const { id, state } of items) if (state !== "terminated") await this.#terminate(id);
  }
}
