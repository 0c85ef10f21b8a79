import { allDone } from "#/base/all-done.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type {
  InstanceMeans,
  Networks,
  PreparedDisk,
  RunningInstance,
} from "#/drivers/instance-driver.ts";
import { HostingError } from "#/drivers/instances/hosting-error.ts";
import type { InstanceOrder, InstanceReport } from "#/model/hosting.ts";
import type { InstanceParts } from "./instance-parts.ts";
import type { InstanceRecord } from "./instance-record.ts";
import { KeptMemory } from "./kept-memory.ts";

export type Ended = Awaited<RunningInstance["ended"]>;

/** What runs of one instance: its program or guest, the disks that this has, and its place on the network. */
export class InstanceRuntime {
  #parts: InstanceParts;
  #record: InstanceRecord;
  #onEnded: (ended: Ended) => void;
  #running: RunningInstance | undefined;
  /**
   * The volumes that it has, each as it was made to be; undefined for what an earlier life of the agent has given it, or has begun
   * to. Before that was looked at there is nothing to say of what it has.
   */
  #attached = new Map<string, string | undefined>();
  #isLookedAt = false;
  #unready: Record<string, string> = {};
  #forwards: Pick<InstanceReport, "publicIp" | "ports"> = {};
  #held: string | undefined;
  #memory: KeptMemory;

  /** `onEnded` hears of what ended by itself. */
  constructor(parts: InstanceParts, record: InstanceRecord, onEnded: (ended: Ended) => void) {
    this.#parts = parts;
    this.#record = record;
    this.#onEnded = onEnded;
    this.#memory = new KeptMemory(parts.files, record.folder);
  }

  get running(): RunningInstance | undefined {
    return this.#running;
  }

  /** What there is to say of it while it runs. */
  get report(): Partial<InstanceReport> {
    const running = this.#running;
    if (!running) return {};
    return {
      startedAt: running.startedAt,
      ...(this.#isLookedAt && { attached: this.#attachedNow() }),
      ...(Object.keys(this.#unready).length > 0 && { unready: this.#unready }),
      ...this.use,
      ...this.#forwards,
    };
  }

  /** What it uses at this moment. */
  get use(): Pick<InstanceReport, "use"> {
    const use = this.#running?.use();
    return use ? { use } : {};
  }

  /** Without those that it may have half, and is to have. */
  #attachedNow(): string[] {
    const { disks } = this.#record.order;
    const isWanted = (volume: string) => disks.some((disk) => disk.volume === volume);
    return [...this.#attached]
      .filter(([volume, state]) => state !== undefined || !isWanted(volume))
      .map(([volume]) => volume);
  }

  /** What an earlier life of the agent has left running; it is not ours before `adopt`. */
  async find(): Promise<RunningInstance | undefined> {
    const { folder, order } = this.#record;
    return this.#memory.whileLooking(
      async () => await this.#parts.driverOf(order)?.find(folder, order),
    );
  }

  async adopt(running: RunningInstance): Promise<void> {
    const { networks, log } = this.#parts;
    const { order } = this.#record;
    try {
      this.#reach(await networks.prepare(order));
    } catch (thrown) {
      // It runs nevertheless, and each turn tries again.
      log.warn(`the network of ${order.instance} is not there`, { error: messageOf(thrown) });
    }
    // Not those of the order: the agent may have ended before it had given or taken one.
    const there = await running.volumes();
    this.#holds(running, new Map(there.map((volume) => [volume, undefined])));
    this.#isLookedAt = false;
  }

  /**
   * Makes its disks and its network ready and starts it, or waits until it has come from another machine. `recorded` keeps what is
   * to be known of that by the agent's next life.
   */
  async start(
    order: InstanceOrder,
    means: Pick<InstanceMeans, "awaitsMigration">,
    recorded: () => Promise<void>,
  ): Promise<void> {
    const { networks, driverOf, disksOf } = this.#parts;
    const driver = driverOf(order);
    if (!driver)
      throw new HostingError("Server.InternalError", `This machine cannot run a ${order.kind}`);
    const [disks, network] = await allDone(
      disksOf(order),
      networks.prepare(order),
      // Before anything of it runs, so that the agent's next life looks for it; on disk before anybody is told that it does.
      this.#record.keep({ durable: false }),
    );
    this.#reach(network);
    const begins = () => this.#mustBegin(order);
    begins();
    const { folder } = this.#record;
    const memory = await this.#remembered(disks);
    const running = await driver
      .start(folder, order, { disks, network, begins, ...memory, ...means })
      .finally(() => this.#memory.forget()); // given back once: it begins anew when that fails
    await recorded();
    this.#holds(running, new Map(disks.map((disk) => [disk.volume, stateOf(disk)])));
  }

  async #remembered(disks: readonly PreparedDisk[]): Promise<Pick<InstanceMeans, "resumesFrom">> {
    if (!(await this.#memory.isThere())) return {};
    const isGiven = () => this.#memory.forget();
    return { resumesFrom: { path: this.#memory.path, ...sealOf(disks), isGiven } };
  }

  /** What takes long may be over before it begins. */
  #mustBegin(order: InstanceOrder): void {
    if (this.#parts.isForsaken(order))
      throw new HostingError(
        "Server.InternalError",
        "The cloud is silent: it may run on another machine by now",
      );
  }

  #reach({ forwards, type }: Awaited<ReturnType<Networks["prepare"]>>): void {
    this.#forwards = {};
    const [first] = forwards;
    if (type !== "user" && !first) return;
    this.#forwards = {
      ...(first && { publicIp: first.address }),
      ports: Object.fromEntries(forwards.map(({ to, port }) => [String(to), port])),
    };
  }

  #holds(running: RunningInstance, attached: Map<string, string | undefined>): void {
    this.#attached = attached;
    this.#isLookedAt = true;
    this.#unready = {};
    this.#running = running;
    void running.ended.then((ended) => {
      if (this.#running !== running) return; // we have ended it
      this.#running = undefined;
      this.#onEnded(ended);
    });
  }

  /** Gives what runs the rules and the disks that it is to have now. What of that cannot be done is in no other's way. */
  async change(): Promise<void> {
    const { networks, disksOf } = this.#parts;
    const { order } = this.#record;
    this.#reach(await networks.prepare(order)); // its rules, and so its ports, may be others now
    const running = this.#running!;
    const failures: unknown[] = [];
    this.#unready = {};
    const each = async (volume: string, work: () => Promise<void>) => {
      try {
        await work();
      } catch (thrown) {
        failures.push(thrown);
        this.#unready[volume] = messageOf(thrown).slice(0, limits.unreadyReasonMax);
      }
    };
    for (const volume of this.#attached.keys())
      if (!order.disks.some((disk) => disk.volume === volume))
        await each(volume, async () => {
          await running.detach(volume);
          this.#attached.delete(volume);
        });
    for (const disk of order.disks)
      await each(disk.volume, async () => {
        const [prepared] = await disksOf({ ...order, disks: [disk] });
        await this.#give(running, prepared!);
      });
    this.#isLookedAt = true;
    const [first] = failures;
    if (first !== undefined) throw first;
  }

  async #give(running: RunningInstance, disk: PreparedDisk): Promise<void> {
    const { volume } = disk;
    const before = this.#attached.get(volume);
    const state = stateOf(disk);
    if (before === state) return;
    if (before === undefined) await running.attach(disk);
    if (before !== undefined || this.#attached.has(volume)) await running.changed(disk);
    this.#attached.set(volume, state);
  }

  /** Tells the warden what ends it when this agent does not; only where that is another than before. */
  async holdLease(): Promise<void> {
    const { folder, order } = this.#record;
    const { leaseMs } = order;
    const handles = this.#running?.handles?.() ?? [];
    const held = leaseMs === undefined ? "" : `${leaseMs} ${handles.join(" ")}`;
    if (held === this.#held) return;
    await this.#parts.warden.hold(folder, leaseMs, handles);
    this.#held = held;
  }

  /** Whether it has kept its memory, and ends with that. */
  keepsMemory(): Promise<boolean> {
    return this.#memory.isThere();
  }

  /** It begins anew when it is started. */
  forgetMemory(): Promise<void> {
    return this.#memory.forget();
  }

  /** Keeps its memory and ends. Where that cannot be it runs on, to be stopped as others are. */
  async hibernate(): Promise<void> {
    const running = this.#running;
    if (!running?.hibernate) return;
    this.#running = undefined;
    try {
      const disks = await this.#parts.disksOf(this.#record.order);
      await running.hibernate({ path: this.#memory.path, ...sealOf(disks) });
    } catch (thrown) {
      this.#running = running;
      const { instance } = this.#record.order;
      this.#parts.log.warn(`${instance} cannot keep its memory`, { error: messageOf(thrown) });
    }
  }

  /** Ends what runs, and takes it off the network. */
  async end(patienceMs: number): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running) await running.stop(patienceMs);
    this.#attached.clear();
    await this.#parts.networks.remove(this.#record.order.instance);
  }
}

/** Told apart by what is said of its volume. */
const stateOf = ({ order }: PreparedDisk): string => JSON.stringify(order);

/** What is in memory is as secret as what is on its root. */
const sealOf = ([root]: readonly PreparedDisk[]): { key?: string } =>
  root?.order.key === undefined ? {} : { key: root.order.key };
