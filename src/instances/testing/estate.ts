import assert from "node:assert/strict";
import { InstanceKeeper } from "#/agent/instances/keeper.ts";
import { FakeComputer } from "#/agent/testing/fake-hosting.ts";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { MemoryFiles } from "#/agent/testing/memory-files.ts";
import type { HostOrders, HostReports } from "#/model/hosting.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Hosting, type HostSession } from "../hosting.ts";
import { Evacuation } from "../evacuation.ts";
import { Instances } from "../instances.ts";
import { Volumes } from "../volumes.ts";
import { testVolumeKeys } from "./volume-keys.ts";
import { Moves } from "../moves.ts";
import { Recovery } from "../recovery.ts";

const GiB = 2 ** 30;

/** One computer: what runs on it outlives its agent, not the loss of its power. */
export class Computer {
  readonly name: string;
  readonly hardware = new FakeComputer();
  /** Words do not pass, in neither direction. */
  isCutOff = false;
  isPowered = true;
  storages: readonly string[];
  keeper: InstanceKeeper | undefined;
  files = new MemoryFiles();
  #estate: Estate;
  #session: HostSession | undefined;
  /** Number of the link: what was on its way by an older one does not come. */
  #link = 0;
  /** Last word on this link, by the monotonic clock of each side. */
  #cloudHeardMs = 0;
  #hasGreeted = false;
  #agentHeardMs = 0;
  #beatsMs: number[] = [];
  /** What its warden saw: when the cloud answered last, and since when that is so. */
  #seen: { answer: string; sinceMs: number } = { answer: "", sinceMs: 0 };

  constructor(estate: Estate, name: string, storages: readonly string[]) {
    this.#estate = estate;
    this.name = name;
    this.storages = storages;
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  async boot(): Promise<void> {
    if (!this.isPowered || this.keeper) return;
    const { clock, files } = { clock: this.#estate.clock, files: this.files.port };
    const parts = { ...nodeHost(silent), clock, files, folder: "/hosting", address: "10.0.0.1" };
    const blobs = { fetch: () => assert.fail(), store: () => assert.fail() };
    const means = this.hardware.means();
    const keeper = new InstanceKeeper({ ...parts, mark: "m", blobs }, means, (reports) =>
      this.#toCloud(() => this.#session?.reported(structuredClone(reports) as HostReports)),
    );
    this.keeper = keeper;
    await keeper.open();
  }

  /** Its agent is killed. */
  kill(): void {
    this.hardware.kill();
    this.files = this.files.next();
    void this.keeper?.close();
    this.keeper = undefined;
    this.#link++;
    this.#hasGreeted = false;
  }

  /** Nothing runs any more. */
  cutPower(): void {
    this.kill();
    this.isPowered = false;
    for (const running of this.hardware.running.values()) running.end({ by: "crash" });
    this.hardware.running.clear();
  }

  /** As src/agent/instances/warden.ts does, whatever has become of the agent. */
  async #ward(nowMs: number): Promise<void> {
    const answer = String(await this.files.read("/hosting/answered.json"));
    if (answer !== this.#seen.answer) this.#seen = { answer, sinceMs: nowMs };
    if (nowMs - this.#seen.sinceMs <= limits.instanceLeaseMs + 2000) return;
    for (const [name, running] of this.hardware.running) {
      const kept = await this.files.read(`/hosting/instances/${name}/order.json`);
      if (kept && "leaseMs" in (JSON.parse(String(kept)) as { order: object }).order)
        running.end({ by: "crash" });
    }
  }

  /** Once a second, on both sides. */
  beat(): void {
    const nowMs = this.#estate.clock.monotonicMs();
    void this.#ward(nowMs);
    if (this.#session && nowMs - this.#cloudHeardMs > limits.leaseMs) this.#disconnect();
    if (!this.keeper || nowMs % limits.heartbeatMs >= 1000) return;
    if (!this.#session || !this.#hasGreeted || nowMs - this.#agentHeardMs > limits.leaseMs)
      return this.#dial();
    this.#beatsMs.push(nowMs);
    this.#toCloud(() => this.#toAgent(() => this.#answered()));
  }

  #answered(): void {
    const sentMs = this.#beatsMs.shift();
    if (sentMs !== undefined) this.keeper?.heard(sentMs);
  }

  #dial(): void {
    if (this.isCutOff || !this.#estate.space.get("machine", this.name)) return;
    this.#disconnect();
    this.#link++;
    this.#beatsMs = [];
    const nowMs = this.#estate.clock.monotonicMs();
    this.#cloudHeardMs = this.#agentHeardMs = nowMs;
    this.#session = this.#estate.hosting.connect(this.name, {
      orders: (orders) =>
        this.#toAgent(() => void this.keeper?.orders(structuredClone(orders) as HostOrders)),
      question: () => {},
      terminal: () => {},
    });
    this.#hasGreeted = true;
    this.keeper!.sayAll();
  }

  #disconnect(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  #toCloud(said: () => void): void {
    this.#later(() => {
      if (!this.#session) return;
      this.#cloudHeardMs = this.#estate.clock.monotonicMs();
      said();
    });
  }

  #toAgent(said: () => void): void {
    this.#later(() => {
      this.#agentHeardMs = this.#estate.clock.monotonicMs();
      said();
    });
  }

  /** In the order in which they were said; some take long. */
  #later(said: () => void): void {
    const link = this.#link;
    this.#estate.clock.after(this.#estate.delayMs(), () => {
      if (link !== this.#link) return;
      if (!this.isCutOff) return said();
      // A link on which a word was lost is broken: nothing passes on it any more.
      this.#link++;
      this.#hasGreeted = false;
    });
  }
}

/** A control plane, and computers that host instances, in time that only the test lets pass. */
export class Estate {
  readonly clock = new ManualClock();
  readonly computers: Computer[] = [];
  readonly field = {
    machines: () =>
      this.computers.map((one) => ({
        machine: one.name,
        connected: one.isConnected,
        free: { milliCpus: 64_000, memoryBytes: 64 * GiB },
      })),
  };
  space!: Space;
  hosting!: Hosting;
  recovery!: Recovery;
  moves!: Moves;
  evacuation!: Evacuation;
  log = new MemoryLog();
  /** How long words are on their way; the same for each, so that none overtakes another. */
  delayMs = () => 20;
  /** What each step of a migration takes. */
  paceMs = () => 400;

  static async make(storages: readonly (readonly string[])[]): Promise<Estate> {
    const estate = new Estate();
    await estate.begin();
    for (const [index, shared] of storages.entries()) await estate.#join(`m${index}`, shared);
    return estate;
  }

  /** A control plane begins to act, on what was kept. */
  async begin(): Promise<void> {
    const { clock, log } = this;
    const { random } = nodeHost(silent);
    this.space = await Space.open({
      log,
      clock,
      report: silent,
      onBroken: (thrown) => assert.fail(String(thrown)),
    });
    const { space } = this;
    this.hosting = new Hosting({
      space,
      clock,
      log: silent,
      means: {
        space,
        metadataOf: () => ({ isEnabled: true, hopLimit: 1, documents: {} }),
        keyOf: () => "",
        moveKeyOf: () => "",
        addressOf: (machine) => machine,
      },
    });
    const { field } = this;
    const sealer = { seal: (plain: string) => plain };
    this.moves = new Moves({ space, field, clock, random, sealer });
    const { moves } = this;
    const keys = testVolumeKeys({ space, clock, random });
    const volumes = new Volumes({ space, keys, clock, random });
    const instances = new Instances({ space, field, volumes, clock, random });
    this.evacuation = new Evacuation({ space, instances, moves, clock });
    const acting = { space, field, hosting: this.hosting, evacuation: this.evacuation };
    this.recovery = new Recovery({ ...acting, clock, log: silent });
    this.hosting.start();
    this.recovery.start();
  }

  async #join(name: string, storages: readonly string[]): Promise<void> {
    const computer = new Computer(this, name, storages);
    computer.hardware.patience = () => sleep(this.clock, limits.guestComeMs);
    computer.hardware.takesTime = () => sleep(this.clock, this.paceMs());
    const { abilities } = computer.hardware.means();
    this.space.commit((tx) =>
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name,
        spec: { keyDigest: "", joinedAt: 0, site: "", labels: {}, cordoned: false },
        status: {
          hostname: name,
          os: "linux",
          arch: "x64",
          version: "1",
          capacity: { milliCpus: 64_000, memoryBytes: 64 * GiB },
          drivers: [],
          rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 1, pue: 1 },
          hosting: { ...abilities, storages },
        },
      }),
    );
    this.computers.push(computer);
    await computer.boot();
  }

  /** An instance that is bound to a machine, with a volume if a place is given for one. */
  launch(
    name: string,
    machine: string,
    {
      isRecovered = true,
      kind = "vm",
      volume,
    }: { isRecovered?: boolean; kind?: "vm" | "container"; volume?: { storage?: string } } = {},
  ): void {
    this.space.commit((tx) => {
      tx.put<"image">({
        kind: "image",
        project: "p",
        name: "ami-1",
        spec: { source: { type: "disk", disks: [{ device: "/dev/xvda" }] } } as never,
        status: { state: "available" } as never,
      });
      tx.put<"instance">({
        kind: "instance",
        project: "p",
        name,
        spec: { ...specOf(isRecovered), kind },
        status: {
          state: "pending",
          since: 0,
          machine,
          fence: 1,
          ...(isRecovered && { leaseMs: limits.instanceLeaseMs }),
        },
      });
      if (volume) tx.put<"volume">(volumeOf(name, machine, volume));
    });
  }

  instance(name = "i-1"): InstanceRecord {
    return this.space.get("instance", name)!;
  }

  /** Names of computers on which it runs, whoever knows of that. */
  whereRuns(name = "i-1"): string[] {
    return this.computers
      .filter(({ hardware }) => hardware.running.get(name)?.isStanding === false)
      .map((computer) => computer.name);
  }

  /** Seconds pass; `look` after each. */
  async pass(seconds: number, look: () => void = () => {}): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (const computer of this.computers) computer.beat();
      await this.clock.advance(1000);
      look();
    }
  }
}

/** Of a small guest that nothing is special about. */
export function specOf(isRecovered: boolean): InstanceRecord["spec"] {
  return {
    launchedAt: 0,
    reservation: "r-1",
    launchIndex: 0,
    image: "ami-1",
    type: "v.small",
    kind: "vm",
    wanted: "running",
    reboots: 0,
    network: {
      interface: "eni-1",
      vpc: "vpc-1",
      subnet: "subnet-1",
      privateIp: "10.0.0.4",
      mac: "02:00:00:00:00:01",
      groups: [],
      hasPublicAddress: false,
    },
    metadata: { isEnabled: true, hopLimit: 1, hasTags: false },
    placement: {},
    onShutdown: "stop",
    isTerminationProtected: false,
    isStopProtected: false,
    isRecovered,
    tags: {},
  };
}

function volumeOf(
  instance: string,
  machine: string,
  { storage }: { storage?: string },
): Omit<VolumeRecord, "serial" | "revision"> {
  return {
    kind: "volume",
    project: "p",
    name: `vol-${instance}`,
    spec: { createdAt: 0, sizeBytes: GiB, type: "gp3", isEncrypted: false, zone: "a", tags: {} },
    status: {
      state: "in-use",
      machine,
      ...(storage !== undefined && { storage }),
      attachment: {
        instance,
        device: "/dev/xvda",
        since: 0,
        state: "attaching",
        deletesOnTermination: true,
      },
    },
  };
}
