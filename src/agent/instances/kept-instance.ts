import { join } from "node:path";
import type { Clock, Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type {
  InstanceDriver,
  Networks,
  PreparedDisk,
  RunningInstance,
} from "#/drivers/instance-driver.ts";
import { HostingError, hostingReason } from "#/drivers/instances/hosting-error.ts";
import type { InstanceOrder, InstanceReport } from "#/model/hosting.ts";
import type { Gate } from "./gate.ts";
import type { Warden } from "./warden.ts";
import { departureOf, goAway, isComing, mayStillCome, type KeptMoves } from "./moves.ts";

export interface InstanceParts {
  /** Of this machine, as others reach it. */
  address: string;
  clock: Clock;
  files: Files;
  log: Log;
  networks: Networks;
  starts: Gate;
  warden: Pick<Warden, "hold">;
  driverOf(order: InstanceOrder): InstanceDriver | undefined;
  /** The files of its volumes, made where they are not there yet. */
  disksOf(order: InstanceOrder): Promise<PreparedDisk[]>;
  say(report: InstanceReport): void;
  /** Nothing of it is here any more. */
  left(instance: string): void;
  /** The cloud was silent for longer than its lease: it may run elsewhere by now. */
  isForsaken(order: InstanceOrder): boolean;
}

/** What outlives the agent, in the instance's folder. */
interface Kept {
  order: InstanceOrder;
  /** Reboots that were done. */
  reboots: number;
  /** How it ended by itself under that fence: it is not started again under it. */
  ended?: InstanceReport["ended"] & { fence: number };
  /** See moves.ts. */
  moves?: KeptMoves;
}

type Ended = Awaited<RunningInstance["ended"]>;

/**
 * One instance on this machine: looks at what it is to be and what it is, does the next thing, and looks again. One thing at
 * a time; what cannot be done is tried again, ever later.
 */
export class KeptInstance {
  readonly name: string;
  #parts: InstanceParts;
  #folder: string;
  #kept: Kept;
  #running: RunningInstance | undefined;
  #attached: PreparedDisk[] = [];
  /** Under this and lower numbers nothing of it is to be here. */
  #unwantedFence = -1;
  #isTurning = false;
  #turning: Promise<void> = Promise.resolve();
  #isDue = false;
  #isClosed = false;
  #failures = 0;
  #written = "";
  #held: string | undefined;
  #retry: Timer | undefined;
  #last: InstanceReport | undefined;
  #forwards: { publicIp?: string; ports?: Record<string, number> } = {};

  constructor(parts: InstanceParts, folder: string, kept: Kept) {
    this.#parts = parts;
    this.#folder = folder;
    this.#kept = kept;
    this.name = kept.order.instance;
  }

  /** What an earlier life of the agent has kept in a folder; undefined for what cannot be read. */
  static async open(parts: InstanceParts, folder: string): Promise<KeptInstance | undefined> {
    const content = await parts.files.read(join(folder, orderFile));
    if (!content) return undefined;
    const kept = JSON.parse(Buffer.from(content).toString("utf8")) as Kept;
    const instance = new KeptInstance(parts, folder, kept);
    await instance.#adopt();
    return instance;
  }

  get order(): InstanceOrder {
    return this.#kept.order;
  }

  get running(): RunningInstance | undefined {
    return this.#running;
  }

  /** What it was said to be last. */
  get report(): InstanceReport {
    return this.#last ?? this.#reportOf("preparing");
  }

  async #adopt(): Promise<void> {
    const { driverOf, disksOf, networks } = this.#parts;
    const { order } = this.#kept;
    const running = await driverOf(order)?.find(this.#folder, order);
    if (isComing(order, this.#kept.moves) && !(await this.#hasCome(running))) return;
    if (!running) return;
    await this.#reach(await networks.prepare(order));
    this.#attached = await disksOf(order);
    this.#runs(running);
  }

  /** Of one that an earlier life of the agent awaited: whether it runs. It is not awaited twice. */
  async #hasCome(running: RunningInstance | undefined): Promise<boolean> {
    const { order, moves } = this.#kept;
    const { migration } = order.comesFrom!;
    if (running && !(await running.stands?.())) {
      await this.#moves({ came: migration });
      return true;
    }
    await running?.stop(0);
    if (moves?.awaited === migration)
      await this.#moves({ missed: { migration, reason: "The agent that awaited it has ended" } });
    return false;
  }

  async #moves(news: KeptMoves): Promise<void> {
    this.#kept = { ...this.#kept, moves: { ...this.#kept.moves, ...news } };
    await this.#keep();
  }

  /** It is to be so from now on. */
  wanted(order: InstanceOrder): void {
    if (order.fence < this.#kept.order.fence) return;
    if (order.fence > this.#kept.order.fence) this.#failures = 0;
    this.#kept = { ...this.#kept, order };
    this.wake();
  }

  /** Nothing of it is to be here. */
  unwanted(): void {
    this.#unwantedFence = this.#kept.order.fence;
    this.wake();
  }

  get #isUnwanted(): boolean {
    return this.#kept.order.fence <= this.#unwantedFence;
  }

  /** The agent ends; what runs goes on. Resolves when nothing is being done to it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#turning;
    this.#running?.leave?.();
  }

  wake(): void {
    this.#isDue = true;
    if (!this.#isTurning && !this.#isClosed) this.#turning = this.#run();
  }

  async #run(): Promise<void> {
    this.#isTurning = true;
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false;
      this.#retry?.cancel();
      try {
        await this.#turn();
      } catch (thrown) {
        this.#failed(thrown);
      }
    }
    this.#isTurning = false;
  }

  async #turn(): Promise<void> {
    const { order } = this.#kept;
    if (this.#isUnwanted) return this.#leave();
    await this.#keep();
    await this.#holdLease();
    if (this.#parts.isForsaken(order)) return this.#forsake();
    if (isComing(order, this.#kept.moves)) return this.#come();
    if (await this.#isLeaving()) return;
    if (order.wanted === "stopped") {
      if (order.hibernates) await this.#hibernate();
      await this.#end(patienceFor(order));
      return this.#say(this.#reportOf("stopped"));
    }
    const { ended } = this.#kept;
    if (!this.#running) {
      if (ended?.fence === order.fence) return this.#say(this.#reportOf("stopped", { ended }));
      return this.#parts.starts.pass(() => this.#start());
    }
    await this.#change(this.#running);
    this.#say(this.#reportOf("running"));
  }

  /** What ends it when this agent does not; written only where it is another one than before. */
  async #holdLease(): Promise<void> {
    const { warden } = this.#parts;
    const { leaseMs } = this.#kept.order;
    const handles = this.#running?.handles?.() ?? [];
    const held = leaseMs === undefined ? "" : `${leaseMs} ${handles.join(" ")}`;
    if (held === this.#held) return;
    await warden.hold(this.#folder, leaseMs, handles);
    this.#held = held;
  }

  async #forsake(): Promise<void> {
    const { order, moves } = this.#kept;
    await this.#end(0);
    if (!isComing(order, moves)) return;
    const { migration } = order.comesFrom!;
    await this.#moves({ missed: { migration, reason: "The cloud was silent for too long" } });
  }

  /** Waits for it, and runs it here once it has come. What has not come by a migration never does. */
  async #come(): Promise<void> {
    const { networks, driverOf, disksOf, address } = this.#parts;
    const { order, moves } = this.#kept;
    const { migration, key, sharesStorage } = order.comesFrom!;
    try {
      mayStillCome(order, moves);
      await this.#moves({ awaited: migration });
      const disks = await disksOf(order);
      const network = await networks.prepare(order);
      await this.#reach(network);
      const awaitsMigration = {
        address,
        key,
        withDisks: !sharesStorage,
        onWaiting: (port: number) =>
          this.#say(this.#reportOf("preparing", { awaits: { migration, address, port } })),
      };
      const begins = () => this.#mustBegin(order);
      const means = { disks, network, begins, awaitsMigration };
      const driver = driverOf(order);
      if (!driver) throw new Error(`This machine cannot run a ${order.kind}`);
      const running = await driver.start(this.#folder, order, means);
      this.#attached = disks;
      await this.#moves({ came: migration });
      this.#runs(running);
      this.#isDue = true;
    } catch (thrown) {
      const reason = moves?.missed?.reason ?? messageOf(thrown);
      await this.#moves({ missed: { migration, reason } });
      await networks.remove(this.name);
      // Another order came meanwhile: that it did not come by this one says nothing of that.
      if (this.#kept.order.comesFrom?.migration !== migration) return void (this.#isDue = true);
      this.#fails("Server.InternalError", reason);
    }
  }

  /** True while nothing else may be done to it, as it may run elsewhere. */
  async #isLeaving(): Promise<boolean> {
    const { order, moves } = this.#kept;
    const running = this.#running;
    const departure = departureOf(order, moves);
    switch (departure) {
      case "none":
        return false;
      case "over": // another order came: it has not left
        await running?.goOn?.();
        await this.#moves({ leaving: undefined });
        return false;
      case "left":
        await this.#end(0);
        this.#say(this.#reportOf("stopping", { left: moves!.left! }));
        return true;
      case "due":
        if (!running?.migrate) return false;
        await this.#moves({ leaving: order.goesTo!.migration });
        await this.#moves(await goAway(running, order.goesTo!));
        break;
      case "doubtful":
        if (!running || (await running.stands?.())) break;
        await running.goOn?.();
        await this.#moves({
          leaving: undefined,
          stays: { migration: order.goesTo!.migration, reason: "Its agent has ended meanwhile" },
        });
        break;
    }
    this.#isDue = departureOf(this.#kept.order, this.#kept.moves) !== "doubtful";
    if (!this.#isDue && running) this.#say(this.#reportOf("running"));
    return true;
  }

  /** Where that cannot be, it is stopped as others are. */
  async #hibernate(): Promise<void> {
    const running = this.#running;
    if (!running?.hibernate) return;
    this.#running = undefined;
    try {
      await running.hibernate(join(this.#folder, memoryFile));
    } catch (thrown) {
      this.#running = running;
      const { log } = this.#parts;
      log.warn(`${this.name} cannot keep its memory`, { error: messageOf(thrown) });
    }
  }

  /** The memory that it kept: it is given back once, and it begins anew when that fails. */
  async #memory(): Promise<{ resumesFrom?: string }> {
    const path = join(this.#folder, memoryFile);
    return (await this.#parts.files.stat(path)) ? { resumesFrom: path } : {};
  }

  async #start(): Promise<void> {
    const { networks, driverOf, disksOf } = this.#parts;
    const { order } = this.#kept;
    const driver = driverOf(order);
    if (!driver)
      throw new HostingError("Server.InternalError", `This machine cannot run a ${order.kind}`);
    this.#say(this.#reportOf("preparing"));
    const disks = await disksOf(order);
    const network = await networks.prepare(order);
    await this.#reach(network);
    const begins = () => this.#mustBegin(order);
    begins();
    const memory = await this.#memory();
    const means = { disks, network, begins, ...memory };
    const started = driver.start(this.#folder, order, means);
    const running = await started.finally(async () => {
      if (memory.resumesFrom !== undefined) await this.#parts.files.remove(memory.resumesFrom);
    });
    this.#attached = disks;
    this.#kept = { ...this.#kept, reboots: order.reboots };
    await this.#keep();
    this.#runs(running);
    this.#isDue = true; // its order may have changed meanwhile
  }

  /** What takes long may be over before it begins. */
  #mustBegin(order: InstanceOrder): void {
    if (this.#parts.isForsaken(order))
      throw new HostingError(
        "Server.InternalError",
        "The cloud is silent: it may run on another machine by now",
      );
  }

  #reach({ forwards, type }: Awaited<ReturnType<Networks["prepare"]>>): Promise<void> {
    this.#forwards = {};
    const [first] = forwards;
    if (type === "user" || first) {
      this.#forwards = {
        ...(first && { publicIp: first.address }),
        ports: Object.fromEntries(forwards.map(({ to, port }) => [String(to), port])),
      };
    }
    return Promise.resolve();
  }

  #runs(running: RunningInstance): void {
    this.#running = running;
    void running.ended.then((ended) => this.#ended(running, ended));
    this.#say(this.#reportOf("running"));
  }

  /** Of one that ended by itself; whatever we end is not ours any more by then. */
  #ended(running: RunningInstance, { by, exitCode, message }: Ended): void {
    if (this.#running !== running || this.#isClosed) return;
    this.#running = undefined;
    const { order } = this.#kept;
    if (by === "crash" && !this.#mayRetry()) {
      this.#fails("Server.InternalError", message ?? "It ended without having been asked to");
      return;
    }
    if (by !== "crash") {
      const ended = { by, fence: order.fence, ...(exitCode !== undefined && { exitCode }) };
      this.#kept = { ...this.#kept, ended };
      return this.wake();
    }
    this.#parts.log.warn(`the instance ${this.name} has crashed; it is started again`, { message });
    this.#later();
  }

  async #change(running: RunningInstance): Promise<void> {
    const { networks, disksOf } = this.#parts;
    const { order, reboots } = this.#kept;
    const disks = await disksOf(order);
    const isThere = (all: readonly PreparedDisk[], { volume }: PreparedDisk) =>
      all.some((one) => one.volume === volume);
    for (const disk of this.#attached.filter((one) => !isThere(disks, one)))
      await running.detach(disk.volume);
    for (const disk of disks) {
      const before = this.#attached.find(({ volume }) => volume === disk.volume);
      if (!before) await running.attach(disk);
      else if (JSON.stringify(before.order) !== JSON.stringify(disk.order))
        await running.changed(disk);
    }
    this.#attached = disks;
    await networks.change(order);
    if (order.reboots <= reboots) return;
    await running.reboot();
    this.#kept = { ...this.#kept, reboots: order.reboots };
    await this.#keep();
  }

  /** Ends what runs, and takes it off the network. */
  async #end(patienceMs: number): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running) await running.stop(patienceMs);
    this.#attached = [];
    await this.#parts.networks.remove(this.name);
  }

  async #leave(): Promise<void> {
    await this.#end(limits.instanceLeaveMs);
    if (!this.#isUnwanted) return void (this.#isDue = true); // it has come back meanwhile
    await this.#parts.files.remove(this.#folder);
    this.#written = "";
    if (!this.#isUnwanted) return void (this.#isDue = true);
    const { left } = this.#kept.moves ?? {};
    this.#say(this.#reportOf("gone", left && { left }));
    this.#isClosed = true;
    this.#parts.left(this.name);
  }

  async #keep(): Promise<void> {
    const content = JSON.stringify(this.#kept);
    if (content === this.#written) return;
    await this.#parts.files.write(join(this.#folder, orderFile), content, { mode: 0o600 });
    this.#written = content;
  }

  #failed(thrown: unknown): void {
    const { log } = this.#parts;
    log.warn(`the instance ${this.name} is not as it is to be`, { error: messageOf(thrown) });
    if (this.#parts.isForsaken(this.#kept.order)) return this.#later(); // no fault of its own
    const { code, message } = hostingReason(thrown);
    const isFinal = code.startsWith("Client.");
    if (this.#running || this.#isUnwanted || (!isFinal && this.#mayRetry())) return this.#later();
    this.#fails(code, message);
  }

  #mayRetry(): boolean {
    return ++this.#failures < limits.instanceStartsMax;
  }

  #later(): void {
    const waitMs = limits.instanceRetryMs * 2 ** Math.min(this.#failures, 10);
    const { clock } = this.#parts;
    this.#retry?.cancel();
    this.#retry = clock.after(Math.min(waitMs, limits.instanceRetryMsMax), () => this.wake(), true);
  }

  #fails(code: string, message: string): void {
    this.#say(this.#reportOf("failed", { reason: { code, message: `${code}: ${message}` } }));
  }

  #reportOf(state: InstanceReport["state"], more: Partial<InstanceReport> = {}): InstanceReport {
    const { order, reboots, moves } = this.#kept;
    const { instance, fence } = order;
    const running = this.#running;
    const stays = order.goesTo && moves?.stays;
    return {
      instance,
      fence,
      state,
      reboots,
      ...(running && {
        startedAt: running.startedAt,
        attached: this.#attached.map(({ volume }) => volume),
        use: running.use(),
        ...this.#forwards,
      }),
      ...(stays && { stays }),
      ...more,
    };
  }

  #say(report: InstanceReport): void {
    this.#last = report;
    this.#parts.say(report);
  }
}

/** A guest or an init has things to end in turn; a program that does not know how to end is no better off for waiting. */
function patienceFor({ kind }: InstanceOrder): number {
  return kind === "container" ? limits.containerStopMs : limits.instanceStopMs;
}

const memoryFile = "memory.zst";
const orderFile = "order.json";
