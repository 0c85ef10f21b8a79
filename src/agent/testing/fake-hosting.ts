import { PassThrough } from "node:stream";
import type {
  FrozenVolume,
  InstanceDriver,
  InstanceMeans,
  InstanceTerminal,
  MemoryFile,
  PreparedDisk,
  RunningInstance,
} from "#/drivers/instance-driver.ts";
import type { InstanceOrder, VolumeOrder } from "#/model/hosting.ts";
import type { HostingMeans } from "../instances/options.ts";

type Ended = Awaited<RunningInstance["ended"]>;

/** Computers in memory wait for each other's instances at ports, wherever they are. */
const arrivals = new Map<number, { begun(): void; go(): Promise<void>; lost(): void }>();

/** One that a test ends as it likes. It outlives the agents of a test, as a process would. */
export class FakeRunning implements RunningInstance {
  readonly startedAt: number;
  readonly ended: Promise<Ended>;
  readonly disks: string[];
  /** Volumes that can be neither attached nor detached. */
  readonly unready = new Set<string>();
  reboots = 0;
  isStopped = false;
  /** It is there, and does not go on. */
  isStanding = false;
  /** What it has used. */
  cpuMs = 1;
  #end = Promise.withResolvers<Ended>();
  #computer: FakeComputer;

  constructor(computer: FakeComputer, startedAt: number, disks: readonly PreparedDisk[]) {
    this.#computer = computer;
    this.startedAt = startedAt;
    this.ended = this.#end.promise;
    this.disks = disks.map(({ volume }) => volume);
  }

  /** It ends, and nobody asked it to. */
  end(ended: Ended): void {
    this.#end.resolve(ended);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.end({ by: "signal" });
  }

  async hibernate({ path }: MemoryFile): Promise<void> {
    await this.#computer.keepMemory(path);
    await this.stop();
  }

  async reboot(): Promise<void> {
    this.reboots++;
  }

  async console(): Promise<Uint8Array> {
    return Buffer.from("booted\n");
  }

  /** Says again what is typed. */
  async terminal({ command }: { command?: readonly string[] }): Promise<InstanceTerminal> {
    const echo = new PassThrough();
    echo.write(command ? `${command.join(" ")}\n` : "login: ");
    return {
      incoming: echo[Symbol.asyncIterator](),
      write: async (typed) => void echo.write(typed),
      end: () => void echo.end(),
      close: () => void echo.end(),
      ...(command && { exitCode: Promise.resolve(3) }),
    };
  }

  async screenshot(): Promise<undefined> {
    return undefined;
  }

  async volumes(): Promise<string[]> {
    return [...this.disks];
  }

  async attach({ volume }: PreparedDisk): Promise<void> {
    if (this.unready.has(volume)) throw new Error(`${volume} cannot be attached`);
    if (!this.disks.includes(volume)) this.disks.push(volume);
  }

  async detach(volume: string): Promise<void> {
    if (this.unready.has(volume)) throw new Error(`${volume} cannot be detached`);
    this.disks.splice(this.disks.indexOf(volume), 1);
  }

  async changed(): Promise<void> {}

  async freeze({ volume }: VolumeOrder): Promise<FrozenVolume> {
    return { path: `frozen ${volume}`, isOnBase: false, release: async () => {} };
  }

  async stands(): Promise<boolean> {
    return this.isStanding;
  }

  async goOn(): Promise<void> {
    this.isStanding = false;
    this.#computer.onStart("");
  }

  /** As moving.ts of the VM driver does: once it has said "go" it never lets it run here by itself. */
  async migrate({ port }: { port: number }): Promise<{ pauseMs: number }> {
    const computer = this.#computer;
    await computer.pace();
    const there = arrivals.get(port);
    if (!there) throw new Error("the other machine does not await it");
    const unwatch = computer.whenKilled(() => there.lost());
    there.begun();
    try {
      await computer.pace();
      if (computer.breaks.shift()) {
        there.lost();
        throw new Error("its memory did not go over; it goes on here");
      }
      this.isStanding = true;
      await computer.pace();
      await there.go(); // rejects when nothing is heard of it
      await computer.pace();
      return { pauseMs: 42 };
    } finally {
      unwatch();
    }
  }

  use(): { cpuMs: number; memoryBytes: number } {
    return { cpuMs: this.cpuMs, memoryBytes: 1 };
  }
}

let ports = 0;

/** A computer on which instances run that are nothing but words. */
export class FakeComputer implements InstanceDriver {
  readonly kinds = ["container", "vm"] as const;
  readonly running = new Map<string, FakeRunning>();
  readonly volumes = new Map<string, VolumeOrder>();
  readonly networks = new Set<string>();
  starts = 0;
  /** Migrations from here that break, in their order. */
  breaks: boolean[] = [];
  /** What has come here is not heard of by where it came from. */
  isMute = false;
  /** What each step of a migration takes. */
  takesTime: () => Promise<void> = async () => {};
  /** How long it waits for what is to come. */
  patience: () => Promise<void> = () => new Promise(() => {});
  #life = 0;
  #killed = new Set<() => void>();
  /** Hears of what has just begun to run. */
  onStart: (instance: string) => void = () => {};
  /** Writes the memory of one that hibernates. */
  keepMemory: (path: string) => Promise<void> = async () => {};
  /** Of starts with memory that was kept. */
  resumed = 0;
  /** What the next starts throw. */
  failures: Error[] = [];

  /** What runs cannot be looked at. */
  isHidden = false;
  hasNoNetworks = false;

  async find(_folder: string, { instance }: InstanceOrder): Promise<FakeRunning | undefined> {
    if (this.isHidden) throw new Error(`${instance} cannot be looked at`);
    return this.running.get(instance);
  }

  async start(
    _folder: string,
    { instance }: InstanceOrder,
    { disks, begins, awaitsMigration, resumesFrom }: InstanceMeans,
  ): Promise<FakeRunning> {
    this.starts++;
    const failure = this.failures.shift();
    if (failure) throw failure;
    begins?.();
    if (resumesFrom) this.resumed++;
    await resumesFrom?.isGiven();
    if (this.running.has(instance)) throw new Error(`${instance} runs twice`);
    const running = new FakeRunning(this, this.starts, disks);
    running.isStanding = awaitsMigration !== undefined;
    this.running.set(instance, running);
    void running.ended.then(() => {
      if (this.running.get(instance) === running) this.running.delete(instance);
    });
    if (awaitsMigration) await this.#await(running, awaitsMigration, begins);
    this.onStart(instance);
    return running;
  }

  async #await(
    running: FakeRunning,
    { onWaiting }: NonNullable<InstanceMeans["awaitsMigration"]>,
    begins: InstanceMeans["begins"],
  ): Promise<void> {
    const port = ++ports;
    const come = Promise.withResolvers<"come" | "lost">();
    const heard = Promise.withResolvers<void>();
    const go = async () => {
      await Promise.race([this.pace(), heard.promise]);
      come.resolve("come");
      await heard.promise;
      if (this.isMute) throw new Error("the other machine does not say that it runs");
    };
    let isBegun = false;
    const lost = () => come.resolve("lost");
    arrivals.set(port, { go, lost, begun: () => void (isBegun = true) });
    void this.patience().then(() => isBegun || lost());
    const unwatch = this.whenKilled(() => heard.reject(new Error("it has gone")));
    heard.promise.catch(() => {});
    try {
      onWaiting(port);
      if ((await come.promise) === "lost") throw new Error("the other machine has kept it");
      await this.pace();
      begins?.();
      running.isStanding = false;
      heard.resolve();
    } catch (thrown) {
      heard.reject(thrown);
      await running.stop();
      throw thrown;
    } finally {
      arrivals.delete(port);
      unwatch();
    }
  }

  /** The agent on it is killed: nothing that it was doing goes on. */
  kill(): void {
    this.#life++;
    for (const hear of this.#killed) hear();
    this.#killed.clear();
  }

  whenKilled(hear: () => void): () => void {
    this.#killed.add(hear);
    return () => void this.#killed.delete(hear);
  }

  /** Takes its time; of a life that is over it never comes back. */
  async pace(): Promise<void> {
    const life = this.#life;
    await this.takesTime();
    if (life !== this.#life) await new Promise(() => {});
  }

  means(): HostingMeans {
    return {
      drivers: [this],
      disks: {
        prepare: async (order) => {
          this.volumes.set(order.volume, order);
          return { path: `/${order.volume}`, sizeBytes: order.sizeBytes };
        },
        remove: async (volume) => void this.volumes.delete(volume),
        list: async () => [...this.volumes.keys()].map((volume) => ({ volume })),
        keep: async (_order, { path }, onProgress) => {
          onProgress(50);
          return { manifest: `manifest of ${path}`, newBytes: 7 };
        },
      },
      networks: {
        type: "user",
        prepare: async ({ instance }) => {
          if (this.hasNoNetworks) throw new Error("its device is missing");
          this.networks.add(instance);
          const forwards = [{ address: "10.0.0.1", port: 2222, to: 22 }];
          return { type: "user", metadataSocket: "", forwards };
        },
        know: async () => {},
        remove: async (instance) => void this.networks.delete(instance),
        close: async () => {},
      },
      abilities: {
        kinds: this.kinds,
        hasKvm: false,
        networks: "user",
        storages: [],
        missing: [],
      },
    };
  }
}
