import { join } from "node:path";
import { within, type Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { PreparedDisk, RunningInstance } from "#/drivers/instance-driver.ts";
import { HostingError } from "#/drivers/instances/hosting-error.ts";
import type {
  FilesSnapshotOrder,
  HostAnswer,
  HostOrders,
  HostQuestion,
  HostReports,
  InstanceOrder,
  VolumeOrder,
} from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";
import type { TerminalOrder } from "#/model/terminal.ts";
import { Gate } from "./gate.ts";
import type { InstanceParts } from "./instance-parts.ts";
import { InstanceRecord } from "./instance-record.ts";
import { KeptInstance } from "./kept-instance.ts";
import { KeptSnapshots, type SnapshotSource } from "./kept-snapshots.ts";
import { KeptVolumes } from "./kept-volumes.ts";
import type { HostingMeans, HostingParts } from "./options.ts";
import { Terminals, type TerminalParts } from "./terminals.ts";
import { answerFile, Warden } from "./warden.ts";

/**
 * Keeps true what the cloud says of instances on this machine, and says what is. What runs goes on when the agent ends, and is
 * found again; it goes on too when nothing is heard of the cloud, but for those that may be started elsewhere then.
 */
export class InstanceKeeper {
  readonly abilities: HostingMeans["abilities"];
  #parts: HostingParts;
  #means: HostingMeans;
  #say: (reports: HostReports) => void;
  #instances = new Map<string, KeptInstance>();
  /** That have a folder here and no record that can be read. */
  #unread = new Set<string>();
  #volumes: KeptVolumes;
  #volumesWritten = "";
  #snapshots: KeptSnapshots;
  #ofInstance: InstanceParts;
  #warden: Warden;
  /** When that was sent which the cloud answered last, on the monotonic clock. */
  #answeredMs = -Infinity;
  #saidMs = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** What networks are being told. */
  #knowing: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
  #isClosed = false;
  #keeping: Promise<void> | undefined;

  constructor(parts: HostingParts, means: HostingMeans, say: (reports: HostReports) => void) {
    this.#parts = parts;
    this.#means = means;
    this.#say = say;
    this.abilities = means.abilities;
    const { disks, networks, drivers } = means;
    const { clock, files, log } = parts;
    this.#volumes = new KeptVolumes({
      disks,
      log,
      say: (report) => this.#tell({ volumes: [report] }),
      grown: (volume) => this.#holderOf(volume)?.wake(),
    });
    this.#snapshots = new KeptSnapshots({
      clock,
      disks,
      log,
      sourceOf: (volume) => this.#sourceOf(volume),
      filesOf: (order) => this.#filesOf(order),
      say: (report) => this.#tell({ snapshots: [report] }),
    });
    this.#warden = new Warden(parts);
    this.#ofInstance = {
      warden: this.#warden,
      address: parts.address,
      clock,
      files,
      log,
      networks,
      starts: new Gate(limits.instanceStartsAtOnce),
      driverOf: ({ kind }) => drivers.find(({ kinds }) => kinds.includes(kind)),
      disksOf: (order) => this.#disksOf(order),
      say: (report) => this.#tell({ instances: [report] }),
      left: (instance) => void this.#instances.delete(instance),
      isForsaken: ({ leaseMs = Infinity }) => this.#silentMs > leaseMs,
    };
  }

  /** Finds what an earlier life of this agent has left running. */
  async open(): Promise<void> {
    const { files, folder, log } = this.#parts;
    const all = join(folder, "instances");
    await files.makeFolder(all);
    this.#volumes.know(await this.#kept<VolumeOrder[]>(volumesFile));
    await this.#recallAnswer();
    for (const name of await files.list(all)) {
      try {
        await this.#recall(name);
      } catch (thrown) {
        log.error(`what was kept of ${name} cannot be read: the cloud tells of it again`, {
          error: messageOf(thrown),
        });
        this.#unread.add(name);
      }
    }
    this.#watch();
  }

  async #recall(name: string): Promise<void> {
    const folder = this.#folderOf(name);
    const record = await InstanceRecord.read(this.#parts.files, folder);
    if (!record) {
      // The agent has ended while it was made ready for the first time.
      await this.#means.networks.remove(name);
      return this.#parts.files.remove(folder);
    }
    const instance = new KeptInstance(this.#ofInstance, record, { mayBeHere: true });
    this.#instances.set(name, instance);
    await instance.open();
  }

  #folderOf(instance: string): string {
    return join(this.#parts.folder, "instances", instance);
  }

  /** Undefined for what is damaged too: the cloud says it again. */
  async #kept<T>(name: string): Promise<T | undefined> {
    const content = await this.#parts.files.read(join(this.#parts.folder, name));
    try {
      return content && (JSON.parse(Buffer.from(content).toString("utf8")) as T);
    } catch (thrown) {
      this.#parts.log.error(`${name} cannot be read`, { error: messageOf(thrown) });
      return undefined;
    }
  }

  /** The cloud says what is to be: one word after the other. */
  orders(orders: HostOrders): Promise<void> {
    const taken = this.#last.then(() => this.#take(orders));
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  async #take(orders: HostOrders): Promise<void> {
    const { log } = this.#parts;
    const { networks } = this.#means;
    this.#volumes.wanted(orders.volumes);
    await this.#keepVolumes();
    // Instances do not wait for that: what they need of it is made with each.
    const known = networks.know(orders.vpcs).catch((thrown: unknown) => {
      log.warn("what is new in networks cannot be told", { error: messageOf(thrown) });
    });
    this.#knowing = Promise.all([this.#knowing, known]);
    for (const order of orders.instances) this.#wanted(order);
    this.#snapshots.wanted(orders.snapshots, orders.isAll);
    for (const name of orders.gone) this.#gone(name);
    if (!orders.isAll) return;
    const named = new Set(orders.instances.map(({ instance }) => instance));
    for (const [name, instance] of this.#instances) if (!named.has(name)) instance.unwanted();
    this.sayAll();
  }

  async #keepVolumes(): Promise<void> {
    const { files, folder } = this.#parts;
    const content = JSON.stringify(this.#volumes.orders);
    if (content === this.#volumesWritten) return;
    await files.write(join(folder, volumesFile), content, { mode: 0o600 });
    this.#volumesWritten = content;
  }

  #wanted(order: InstanceOrder): void {
    const known = this.#instances.get(order.instance);
    if (known) return known.wanted(order);
    const { instance: name, reboots } = order;
    const record = new InstanceRecord(this.#parts.files, this.#folderOf(name), { order, reboots });
    const mayBeHere = this.#unread.delete(name);
    const instance = new KeptInstance(this.#ofInstance, record, { mayBeHere });
    this.#instances.set(order.instance, instance);
    instance.wake();
  }

  #gone(name: string): void {
    if (name.startsWith("vol-")) return void this.#volumes.gone(name);
    const instance = this.#instances.get(name);
    if (instance) return instance.unwanted();
    // Nobody knows under which fence it was here, and it is not: it is gone under each.
    this.#tell({ gone: [name] });
  }

  /**
   * The cloud has answered what was sent at `sentMs` of the monotonic clock: leases count from then, as it cannot have heard of us
   * before. Words of it that answer nothing may be old, and say nothing of how long it waits.
   */
  heard(sentMs: number): void {
    const { clock } = this.#parts;
    this.#answeredMs = Math.max(this.#answeredMs, sentMs);
    const leased = [...this.#instances.values()].filter(({ order }) => order.leaseMs !== undefined);
    if (leased.length === 0) return;
    for (const instance of leased) if (!instance.running) instance.wake();
    const answeredAt = clock.now() - (clock.monotonicMs() - this.#answeredMs);
    this.#keepAnswer(answeredAt);
  }

  get #silentMs(): number {
    return this.#parts.clock.monotonicMs() - this.#answeredMs;
  }

  /** An agent that starts again goes on with the leases of before: none is longer for that. */
  async #recallAnswer(): Promise<void> {
    const { clock } = this.#parts;
    const silentMs = clock.now() - ((await this.#kept<number>(answerFile)) ?? Infinity);
    // A wall clock that was set back tells nothing.
    if (silentMs >= 0) this.#answeredMs = clock.monotonicMs() - silentMs;
  }

  #keepAnswer(answeredAt: number): void {
    const { files, folder, log } = this.#parts;
    if (this.#keeping) return;
    this.#keeping = files
      .write(join(folder, answerFile), JSON.stringify(answeredAt))
      .catch((thrown: unknown) => {
        log.warn("when the cloud answered last is not kept", { error: messageOf(thrown) });
      })
      .finally(() => (this.#keeping = undefined));
  }

  /** All that there is: on a new link, and now and then. */
  sayAll(): void {
    this.#say({
      instances: [...this.#instances.values()].map(({ report }) => report),
      volumes: this.#volumes.reports(),
      snapshots: this.#snapshots.reports(),
      gone: [],
    });
  }

  async answer(question: HostQuestion): Promise<HostAnswer> {
    try {
      const running = this.#runningOf(question);
      const content =
        question.type === "console" ? await running.console() : await running.screenshot();
      if (!content) return { error: `${question.instance} has no display` };
      return { content: Buffer.from(content).toString("base64") };
    } catch (thrown) {
      return { error: messageOf(thrown) };
    }
  }

  /** Somebody is at a terminal of an instance here; what it prints is said to `say`. */
  terminals(say: TerminalParts["say"]): Terminals {
    const open = async (order: TerminalOrder) => this.#runningOf(order).terminal(order);
    return new Terminals({ open, say });
  }

  #runningOf({ instance: name, fence }: { instance: string; fence: number }): RunningInstance {
    const instance = this.#instances.get(name);
    if (!instance || instance.order.fence !== fence) throw new Error(`${name} is not here`);
    if (!instance.running) throw new Error(`${name} does not run`);
    return instance.running;
  }

  /** The agent ends; what runs goes on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#last;
    const { hostCloseMs } = limits;
    const settled = [
      ...[...this.#instances.values()].map((instance) => instance.close()),
      this.#knowing,
      this.#volumes.settled(),
      this.#snapshots.close(),
      this.#keeping ?? Promise.resolve(),
    ];
    // What takes long is begun again by the next agent.
    await within(this.#parts.clock, hostCloseMs, Promise.all(settled));
    await this.#means.networks.close();
  }

  #tell(reports: Partial<HostReports>): void {
    if (this.#isClosed) return;
    this.#say({ instances: [], volumes: [], snapshots: [], gone: [], ...reports });
  }

  async #disksOf({ disks, instance }: InstanceOrder): Promise<PreparedDisk[]> {
    const prepared: PreparedDisk[] = [];
    for (const disk of disks) {
      const order = this.#volumes.orderOf(disk.volume);
      if (!order)
        throw new HostingError(
          "Server.InternalError",
          `Nothing was said of ${disk.volume}, which ${instance} has`,
        );
      const { path, below } = await this.#volumes.prepare(order);
      prepared.push({ ...disk, path, order, ...(below !== undefined && { below }) });
    }
    return prepared;
  }

  #holderOf(volume: string): KeptInstance | undefined {
    return this.#instances
      .values()
      .find(({ order }) => order.disks.some((disk) => disk.volume === volume));
  }

  /** What a volume holds at this moment, as a file that nothing writes to. */
  async #sourceOf(volume: string): Promise<SnapshotSource> {
    const order = this.#volumes.orderOf(volume);
    if (!order) throw new HostingError("Server.InternalError", `${volume} is not here`);
    const running = this.#holderOf(volume)?.running;
    const { path, below } = await this.#volumes.prepare(order);
    if (!running) return { path, release: () => Promise.resolve() };
    const { isOnBase, ...frozen } = await running.freeze(order);
    if (!isOnBase) return frozen;
    if (below !== undefined) return { ...frozen, below };
    await frozen.release();
    throw new HostingError("Server.InternalError", `What ${volume} stands on is not known`);
  }

  async #filesOf({ instance, isConsistent }: FilesSnapshotOrder): Promise<readonly ImageBlob[]> {
    const { order } = this.#instances.get(instance) ?? {};
    const driver = order && this.#ofInstance.driverOf(order);
    if (!order || !driver?.keepFiles)
      throw new HostingError(
        "Server.InternalError",
        `Cannot keep the files of ${instance} as ${order ? "it has none of its own" : "it is not here"}`,
      );
    return driver.keepFiles(this.#folderOf(instance), order, { isConsistent });
  }

  #watch(): void {
    const { clock } = this.#parts;
    this.#timer = clock.after(
      limits.hostLookMs,
      () => {
        for (const instance of this.#instances.values()) {
          const { leaseMs = Infinity } = instance.order;
          if (leaseMs !== Infinity && instance.running?.handles) this.#warden.watch();
          if (this.#silentMs > leaseMs && instance.running) instance.wake();
        }
        if (clock.monotonicMs() - this.#saidMs > limits.hostReportMs) {
          this.#saidMs = clock.monotonicMs();
          this.sayAll();
        }
        this.#watch();
      },
      true,
    );
  }
}

const volumesFile = "volumes.json";
