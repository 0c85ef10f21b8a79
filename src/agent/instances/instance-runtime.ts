import { messageOf } from "#/base/errors.ts";
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

export type Ended = Awaited<RunningInstance["ended"]>;

/** What runs of one instance: its program or guest, the disks that this has, and its place on the network. */
export class InstanceRuntime {
  #parts: InstanceParts;
  #record: InstanceRecord;
  #onEnded: (ended: Ended) => void;
  #running: RunningInstance | undefined;
  #attached: PreparedDisk[] = [];
  #forwards: Pick<InstanceReport, "publicIp" | "ports"> = {};
  #held: string | undefined;

  /** `onEnded` hears of what ended by itself. */
  constructor(parts: InstanceParts, record: InstanceRecord, onEnded: (ended: Ended) => void) {
    this.#parts = parts;
    this.#record = record;
    this.#onEnded = onEnded;
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
      attached: this.#attached.map(({ volume }) => volume),
      use: running.use(),
      ...this.#forwards,
    };
  }

  /** What an earlier life of the agent has left running; it is not ours before `adopt`. */
  async find(): Promise<RunningInstance | undefined> {
    const { folder, order } = this.#record;
    return this.#parts.driverOf(order)?.find(folder, order);
  }

  async adopt(running: RunningInstance): Promise<void> {
    const { order } = this.#record;
    this.#reach(await this.#parts.networks.prepare(order));
    this.#holds(running, await this.#parts.disksOf(order));
  }

  /**
   * Makes its disks and its network ready and starts it, or waits until it has come from another machine. `recorded` keeps what is
   * to be known of that by the agent's next life.
   */
  async start(
    order: InstanceOrder,
    means: Pick<InstanceMeans, "resumesFrom" | "awaitsMigration">,
    recorded: () => Promise<void>,
  ): Promise<void> {
    const { files, networks, driverOf, disksOf } = this.#parts;
    const driver = driverOf(order);
    if (!driver)
      throw new HostingError("Server.InternalError", `This machine cannot run a ${order.kind}`);
    const disks = await disksOf(order);
    const network = await networks.prepare(order);
    this.#reach(network);
    const begins = () => this.#mustBegin(order);
    begins();
    const { folder } = this.#record;
    const started = driver.start(folder, order, { disks, network, begins, ...means });
    const { resumesFrom } = means;
    // Its memory is given back once, and it begins anew when that fails.
    const running = await started.finally(() => resumesFrom && files.remove(resumesFrom));
    await recorded();
    this.#holds(running, disks);
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

  #holds(running: RunningInstance, disks: PreparedDisk[]): void {
    this.#attached = disks;
    this.#running = running;
    void running.ended.then((ended) => {
      if (this.#running !== running) return; // we have ended it
      this.#running = undefined;
      this.#onEnded(ended);
    });
  }

  /** Gives what runs the disks and the rules that it is to have now. */
  async change(): Promise<void> {
    const { networks, disksOf } = this.#parts;
    const { order } = this.#record;
    const running = this.#running!;
    const disks = await disksOf(order);
    for (const { volume } of this.#attached)
      if (!diskOf(disks, volume)) await running.detach(volume);
    for (const disk of disks) {
      const before = diskOf(this.#attached, disk.volume);
      if (!before) await running.attach(disk);
      else if (JSON.stringify(before.order) !== JSON.stringify(disk.order))
        await running.changed(disk);
    }
    this.#attached = disks;
    this.#reach(await networks.prepare(order)); // its rules, and so its ports, may be others now
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

  /** Keeps its memory and ends. Where that cannot be it runs on, to be stopped as others are. */
  async hibernate(): Promise<void> {
    const running = this.#running;
    if (!running?.hibernate) return;
    this.#running = undefined;
    try {
      await running.hibernate(this.#record.memoryFile);
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
    this.#attached = [];
    await this.#parts.networks.remove(this.#record.order.instance);
  }
}

function diskOf(disks: readonly PreparedDisk[], volume: string): PreparedDisk | undefined {
  return disks.find((disk) => disk.volume === volume);
}
