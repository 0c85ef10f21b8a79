import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { Chance } from "#/base/testing/chance.ts";
import { Hosting, type HostSession } from "#/instances/hosting.ts";
import { Instances } from "#/instances/instances.ts";
import { decideLaunch } from "#/instances/launch.ts";
import { orderMeans } from "#/instances/order-means.ts";
import { testVolumeKeys } from "#/instances/testing/volume-keys.ts";
import type { VolumeKeys } from "#/instances/volume-keys.ts";
import { Volumes } from "#/instances/volumes.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { FakeComputer } from "../testing/fake-hosting.ts";
import { InstanceKeeper } from "./keeper.ts";

const host = nodeHost(silent);
const { clock, random } = host;
const region = "us-east-1";
const sealer = { unseal: (sealed: string) => sealed };
const pause = () => new Promise<void>((resolve) => void setTimeout(resolve, 1));

/** A cloud and one machine; what is between them breaks, and each of both dies, when a test says so. */
class Pair {
  readonly computer = new FakeComputer();
  readonly space: Space;
  readonly instances: Instances;
  readonly volumes: Volumes;
  #volumeKeys: VolumeKeys;
  #folder: string;
  #hosting!: Hosting;
  #keeper: InstanceKeeper | undefined;
  #session: HostSession | undefined;

  constructor(space: Space, folder: string) {
    this.space = space;
    this.#folder = folder;
    this.#volumeKeys = testVolumeKeys({ space, clock, random });
    this.volumes = new Volumes({ space, clock, random, keys: this.#volumeKeys });
    const free = { milliCpus: 1e6, memoryBytes: 2 ** 50 };
    const field = { machines: () => [{ machine: "m", connected: true, free }] };
    this.instances = new Instances({ space, volumes: this.volumes, field, clock, random });
    this.startCloud();
  }

  startCloud(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#hosting?.stop();
    const volumeKeys = this.#volumeKeys;
    const means = orderMeans({ space: this.space, access: sealer, volumeKeys, region });
    this.#hosting = new Hosting({ space: this.space, clock, log: silent, means });
    this.#hosting.start();
  }

  async startAgent(): Promise<void> {
    this.cut();
    await this.#keeper?.close();
    const parts = { ...host, folder: this.#folder, address: "10.0.0.1", mark: "m" };
    const blobs = { fetch: () => assert.fail(), store: () => assert.fail() };
    this.#keeper = new InstanceKeeper({ ...parts, blobs }, this.computer.means(), (reports) => {
      const session = this.#session;
      // What is on its way when the link breaks does not arrive.
      queueMicrotask(() => session === this.#session && session?.reported(reports));
    });
    await this.#keeper.open();
  }

  cut(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  link(): void {
    this.cut();
    const keeper = this.#keeper!;
    const session: HostSession = this.#hosting.connect("m", {
      orders: (orders) =>
        queueMicrotask(() => {
          if (session !== this.#session) return;
          void keeper.orders(JSON.parse(JSON.stringify(orders)) as typeof orders);
        }),
      question: () => {},
      terminal: () => {},
    });
    this.#session = session;
    keeper.sayAll();
  }

  async close(): Promise<void> {
    this.cut();
    this.#hosting.stop();
    await this.#keeper?.close();
  }
}

async function pair(t: TestContext): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-converge-"));
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log: new MemoryLog(), clock, report: silent, onBroken });
  space.commit((tx) => {
    const abilities = new FakeComputer().means().abilities;
    tx.put<"machine">({
      kind: "machine",
      project: "",
      name: "m",
      spec: { keyDigest: "", joinedAt: 0, site: "", labels: {}, cordoned: false },
      status: {
        hostname: "m",
        os: "linux",
        arch: "x64",
        version: "1",
        capacity: { milliCpus: 1e6, memoryBytes: 2 ** 50 },
        drivers: [],
        rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 1, pue: 1 },
        hosting: abilities,
      },
    });
    tx.put<"image">({
      kind: "image",
      project: "p",
      name: "ami-00000000000000001",
      spec: {
        title: "image",
        description: "",
        createdAt: 0,
        architecture: "x86_64",
        kinds: ["container"],
        source: {
          type: "files",
          layers: [],
          run: {
            entrypoint: [],
            command: [],
            env: [],
            folder: "/",
            user: "",
            ports: [],
            stopSignal: "",
          },
        },
        isPublic: false,
        sharedWith: [],
        tags: {},
      },
      status: { state: "available" },
    });
  });
  const made = new Pair(space, folder);
  t.after(async () => {
    await made.close();
    await rm(folder, { recursive: true });
  });
  await made.startAgent();
  made.link();
  return made;
}

const launch = ({ instances, space }: Pair, count = 1) =>
  instances.launch(
    decideLaunch(
      {
        project: "p",
        accountId: "1",
        image: "ami-00000000000000001",
        min: count,
        max: count,
        disks: [{ device: "/dev/sdf", sizeBytes: 2 ** 30 }],
      },
      { space, clock, random, region },
    ),
  );

/** What is wrong with how things are; empty when all is as it is wanted. */
function faults({ space, computer }: Pair): string[] {
  const found: string[] = [];
  for (const { name, spec, status } of space.all("instance")) {
    const isRunning = computer.running.has(name);
    if (status.state !== spec.wanted) found.push(`${name} is ${status.state}, not ${spec.wanted}`);
    if (isRunning !== (spec.wanted === "running")) found.push(`${name} runs: ${isRunning}`);
    const { reboots = 0 } = computer.running.get(name) ?? {};
    if (isRunning && reboots > spec.reboots) found.push(`${name} was rebooted too often`);
  }
  for (const { name, status } of space.all("volume")) {
    const { attachment } = status;
    if (status.state === "deleting") found.push(`${name} is still being deleted`);
    if (attachment && attachment.state !== "attached" && computer.running.has(attachment.instance))
      found.push(`${name} is ${attachment.state}`);
    const isUsed = attachment && computer.running.has(attachment.instance);
    if (isUsed && !computer.volumes.has(name)) found.push(`${name} has no file`);
  }
  for (const name of computer.volumes.keys())
    if (!space.get("volume", name)) found.push(`the file of ${name} is left over`);
  return found;
}

async function settles(all: Pair): Promise<void> {
  for (let turn = 0; turn < 3000; turn++) {
    if (faults(all).length === 0) return;
    await pause();
  }
  assert.deepEqual(faults(all), []);
}

test("what was launched runs, is stopped and started, and leaves nothing when it is terminated", async (t) => {
  const all = await pair(t);
  const names = launch(all, 3).map(({ name }) => name);
  await settles(all);
  assert.equal(all.computer.running.size, 3);
  const found = () => all.instances.find("p", names);
  all.instances.stop(found());
  await settles(all);
  all.instances.start(found());
  await settles(all);
  assert.equal(all.computer.starts, 6);
  all.instances.terminate(found());
  await settles(all);
  assert.deepEqual([...all.space.all("volume")], []);
});

test("whatever breaks in between, all is as it is wanted in the end, and nothing ever runs twice", async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const all = await pair(t);
    const chance = new Chance(seed);
    const { instances, space, computer } = all;
    for (let step = 0; step < 60; step++) {
      const live = [...space.all("instance")].filter(({ spec }) => spec.wanted !== "terminated");
      const one = live.length > 0 ? chance.pick(live) : undefined;
      const { state } = one?.status ?? {};
      const what = chance.below(12);
      if (what < 2 || !one) launch(all, 1 + chance.below(2));
      else if (what === 2) instances.terminate([one]);
      else if (what === 3 && (state === "running" || state === "pending")) instances.stop([one]);
      else if (what === 4 && state === "stopped") instances.start([one]);
      else if (what === 5 && state === "running") instances.reboot([one]);
      else if (what === 6) all.link();
      else if (what === 7) all.cut();
      else if (what === 8) await all.startAgent();
      else if (what === 9) all.startCloud();
      else if (what === 10) computer.running.get(one.name)?.end({ by: "crash" });
      else all.link();
      for (let turn = chance.below(6); turn > 0; turn--) await pause();
    }
    all.link();
    await settles(all);
    await all.close();
  }
});
