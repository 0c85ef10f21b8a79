import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { agentMark, agentMarkOf } from "#/model/agent-mark.ts";
import type { Offer } from "#/model/site.ts";
import type { LocalConfig } from "#/model/site-config.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { urlsFor, type SiteParts } from "./parts.ts";
import { counted, formatSize } from "#/model/units.ts";
import { offerNameOf, sizedOffer } from "./sized-offer.ts";
import type { HeldMachine, Holdings, MachineOrder, Site } from "./site.ts";

/** Carried by the processes of a machine: they are found by it, whichever control plane started them. */
const mark = "CANOPY_ORDER";
/** From the start of an agent's process to its first pull, as measured. */
const startMs = { median: 600, p90: 1500 };
/** How many there may be is decided for one at a time. */
const everyOrder = "";
const endPollMs = 20;
const reasonBytesMax = 4096;

/** Each machine is one more agent on this computer, in a folder of its own. */
export class LocalSite implements Site {
  #config: LocalConfig;
  #parts: SiteParts;
  #turns = new OneAtATime();

  constructor(config: LocalConfig, parts: SiteParts) {
    this.#config = config;
    this.#parts = parts;
  }

  async offers(): Promise<Offer[]> {
    const { machinesMax, bootDelayMs } = this.#config;
    const bootMs = { median: bootDelayMs + startMs.median, p90: bootDelayMs + startMs.p90 };
    const countMax = machinesMax - (await this.#liveCount());
    return [sizedOffer(this.#config, { site: this.#parts.name, bootMs, countMax })];
  }

  acquire(order: MachineOrder): Promise<HeldMachine> {
    const make = () => this.#turns.run(everyOrder, () => this.#make(order));
    return this.#turns.run(order.name, make);
  }

  async #make(order: MachineOrder): Promise<HeldMachine> {
    const known = await this.#look(order.name);
    if (known.hasBegun) return known.machine;
    const { name, clock, files } = this.#parts;
    const cannot = `Cannot make the machine of ${order.name} as`;
    if (order.offer !== offerNameOf(this.#config))
      throw new CanopyError("not-found", `${cannot} '${name}' has no offer '${order.offer}'`);
    const { machinesMax } = this.#config;
    if ((await this.#liveCount()) >= machinesMax) {
      throw new CanopyError(
        "no-capacity",
        `${cannot} '${name}' gives at most ${counted(machinesMax, "machine")} at once`,
      );
    }
    const folder = this.#folderOf(order.name);
    await files.write(join(folder, "since"), String(clock.now()));
    await this.#start(order, folder).catch(async (thrown: unknown) => {
      await files.remove(folder);
      throw thrown;
    });
    return (await this.#look(order.name)).machine;
  }

  async #start({ name, urls, token }: MachineOrder, folder: string): Promise<void> {
    const { processes, program } = this.#parts;
    const { milliCpus, memoryBytes, bootDelayMs } = this.#config;
    const joins = urlsFor(this.#config, urls).join(",");
    const size = ["--cpus", String(milliCpus / 1000), "--memory", formatSize(memoryBytes)];
    const command = [...program.command, "agent", "--url", joins, "--folder", folder];
    const delay = ["/bin/sh", "-c", 'sleep "$1"; shift; exec "$@"', "sh"];
    const isAtOnce = bootDelayMs === 0;
    const started = processes.spawn(
      [...(isAtOnce ? [] : [...delay, String(bootDelayMs / 1000)]), ...command, ...size],
      {
        folder: "/",
        env: { ...program.env, [mark]: this.#markOf(name), CANOPY_JOIN_TOKEN: token },
        detachedLog: join(folder, "agent.log"),
      },
    );
    if (started.pid === 0) await started.ended; // says why it did not start
  }

  async held(): Promise<Holdings> {
    const names = await this.#parts.files.list(join(this.#parts.folder, "machines"));
    const found = await Promise.all(names.map((name) => this.#look(name)));
    return { machines: found.map(({ machine }) => machine), unknown: [] };
  }

  release(order: string): Promise<void> {
    return this.#turns.run(order, async () => {
      const { clock, processes, files } = this.#parts;
      const untilMs = clock.monotonicMs() + limits.agentEndMs;
      for (let isFirst = true; ; isFirst = false) {
        const pids = processes.marked(mark, this.#markOf(order));
        if (pids.length === 0) break;
        const isLate = clock.monotonicMs() > untilMs;
        if (isFirst || isLate)
          for (const pid of pids) processes.kill(pid, isLate ? "SIGKILL" : "SIGTERM");
        await sleep(clock, endPollMs);
      }
      await this.#endTasks(this.#folderOf(order));
      await files.remove(this.#folderOf(order));
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What an agent leaves behind that had to be killed: its tasks, in cages and out of them. */
  async #endTasks(folder: string): Promise<void> {
    const { clock, processes } = this.#parts;
    const left = () => processes.marked(agentMark, agentMarkOf(folder));
    const untilMs = clock.monotonicMs() + limits.agentEndMs;
    for (let pids = left(); pids.length > 0 && clock.monotonicMs() < untilMs; pids = left()) {
      for (const pid of pids) processes.kill(pid, "SIGKILL");
      await sleep(clock, endPollMs);
    }
    processes.cages(agentMarkOf(folder))?.close();
  }

  async #liveCount(): Promise<number> {
    return (await this.held()).machines.filter(({ state }) => state !== "ended").length;
  }

  async #look(order: string) {
    const { files, processes } = this.#parts;
    const folder = this.#folderOf(order);
    const pids = processes.marked(mark, this.#markOf(order));
    const since = await files.read(join(folder, "since"));
    const log = await files.stat(join(folder, "agent.log"));
    const hasJoined = (await files.stat(join(folder, "identity.json"))) !== undefined;
    const hasEnded = pids.length === 0 && log !== undefined;
    const state = hasEnded ? "ended" : hasJoined ? "running" : "booting";
    const machine: HeldMachine = {
      order,
      handle: pids.length > 0 ? String(pids[0]) : order,
      state,
      since: since && Number(Buffer.from(since).toString()),
      ...(hasEnded && { reason: await this.#lastWords(join(folder, "agent.log")) }),
    };
    return { machine, hasBegun: log !== undefined };
  }

  /** The last line that its agent has printed. */
  async #lastWords(path: string): Promise<string> {
    const { sizeBytes = 0 } = (await this.#parts.files.stat(path)) ?? {};
    const offset = Math.max(0, sizeBytes - reasonBytesMax);
    const end = await this.#parts.files.read(path, { offset, length: reasonBytesMax });
    const last = Buffer.from(end ?? [])
      .toString()
      .trim()
      .split("\n")
      .at(-1);
    return last ? `its agent has ended: ${last}` : "its agent has ended";
  }

  #folderOf(order: string): string {
    return join(this.#parts.folder, "machines", order);
  }

  #markOf(order: string): string {
    return `${this.#parts.cloudId}/${this.#parts.name}/${order}`;
  }
}
