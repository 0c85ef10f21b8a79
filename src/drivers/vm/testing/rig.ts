import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { CanopyError } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { nodeSockets } from "#/base/node/sockets.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type {
  InstanceDriverParts,
  InstanceMeans,
  PreparedDisk,
  PreparedNetwork,
  RunningInstance,
} from "../../instance-driver.ts";
import { consoleSocket } from "../machine.ts";
import { findEmulator } from "../emulator.ts";
import { VmDriver } from "../vm-driver.ts";
import type { TinyGuest } from "./tiny-guest.ts";

const MiB = 2 ** 20;

/** A machine that hosts guests, with a folder of its own; and what each guest is told. */
export class VmRig {
  readonly folder: string;
  readonly parts: InstanceDriverParts;
  readonly said: string[] = [];
  #guest: TinyGuest;
  #orders = 0;

  static async make(guest: TinyGuest): Promise<VmRig> {
    return new VmRig(guest, await mkdtemp(join(tmpdir(), "canopy-vm-")));
  }

  constructor(guest: TinyGuest, folder: string, other: Partial<InstanceDriverParts> = {}) {
    this.#guest = guest;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const say = (message: string) => void this.said.push(message);
    const log: Log = { debug: say, info: say, warn: say, error: say };
    this.parts = {
      ...nodeHost(log),
      folder: join(folder, "shared"),
      mark: `canopy-vm-test-${process.pid}-${folder.slice(-5).replaceAll("/", "")}`,
      blobs: {
        fetch: async (_project, key) => {
          if (key === "none") throw new CanopyError("not-found", "no such blob");
          return { path: key, sizeBytes: 0 };
        },
        store: () => Promise.reject(new Error("nothing is stored here")),
      },
      ...other,
    };
  }

  /** As an agent opens it that has just started. */
  async driver(): Promise<VmDriver> {
    const emulator = await findEmulator(this.parts.processes, false);
    return new VmDriver(this.parts, emulator!);
  }

  order(more: Partial<InstanceOrder> = {}): InstanceOrder {
    return {
      instance: `i-${String(++this.#orders).padStart(17, "0")}`,
      fence: 1,
      project: "p",
      imageProject: "p",
      kind: "microvm",
      wanted: "running",
      reboots: 0,
      vcpus: 1,
      memoryBytes: 128 * MiB,
      disks: [],
      root: {
        type: "disk",
        boot: {
          kernel: { key: this.#guest.kernel, sizeBytes: 0 },
          initrd: { key: this.#guest.initrd, sizeBytes: 0 },
          commandLine: "quiet",
        },
      },
      network: {
        interface: "eni-1",
        vpc: "vpc-1",
        subnetCidr: "10.0.0.0/24",
        privateIp: "10.0.0.5",
        mac: "02:00:00:00:00:05",
        hostname: "ip-10-0-0-5",
        ingress: [],
        egress: [],
        hasPublicAddress: false,
      },
      metadata: { isEnabled: false, hopLimit: 1, documents: {} },
      ...more,
    };
  }

  means(disks: PreparedDisk[] = [], network: Partial<PreparedNetwork> = {}): InstanceMeans {
    return {
      disks,
      network: {
        type: "namespace",
        metadataSocket: this.metadataSocket,
        forwards: [],
        ...network,
      },
    };
  }

  /** Runs until the end of the test. */
  async start(
    t: TestContext,
    order: InstanceOrder,
    means: InstanceMeans = this.means(),
  ): Promise<{ vm: RunningInstance; folder: string; typist: Typist }> {
    const folder = this.instanceFolder(order);
    const vm = await (await this.driver()).start(folder, order, means);
    t.after(() => vm.stop(0));
    return { vm, folder, typist: new Typist(vm, folder) };
  }

  get metadataSocket(): string {
    const folder = join(this.folder, "metadata");
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
    return join(folder, "socket");
  }

  instanceFolder(order: InstanceOrder): string {
    const folder = join(this.folder, "instances", order.instance);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A volume that stands on a base with those words in it. */
  diskOnBase(volume: string, device: string, words: string): PreparedDisk {
    const below = join(this.folder, `${volume}.raw`);
    writeFileSync(below, Buffer.from(words.padEnd(64 * MiB, "\0")));
    const disk = this.disk(volume, device);
    execFileSync("qemu-img", [
      "rebase",
      "-u",
      "-f",
      "qcow2",
      "-b",
      "/nowhere",
      "-F",
      "raw",
      disk.path,
    ]);
    return { ...disk, below };
  }

  /** A volume that is empty. */
  disk(volume: string, device: string, more: Partial<PreparedDisk["order"]> = {}): PreparedDisk {
    const path = join(this.folder, `${volume}.qcow2`);
    const sizeBytes = more.sizeBytes ?? 64 * MiB;
    // The time that a passphrase takes is measured by a clock that some kernels have too coarse for a faster hash.
    const luks = `encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10,encrypt.hash-alg=sha512`;
    const seal =
      more.key === undefined ? [] : ["--object", `secret,id=k,data=${more.key}`, "-o", luks];
    execFileSync("qemu-img", ["create", "-q", ...seal, "-f", "qcow2", path, String(sizeBytes)]);
    const order = { volume, project: "p", sizeBytes, iops: 0, bytesPerSecond: 0, ...more };
    return { volume, device, path, order };
  }

  async close(): Promise<void> {
    for (const pid of this.parts.processes.marked("CANOPY_MARK", this.parts.mark))
      process.kill(pid, "SIGKILL");
    this.parts.processes.cages(`${this.parts.mark}-vm`)?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Resolves when the guest's console has said it; throws with what it has said instead. */
export async function heard(
  guest: RunningInstance,
  words: string | RegExp,
  patienceMs = 60_000,
): Promise<string> {
  let text = "";
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 20) {
    text = Buffer.from(await guest.console()).toString();
    if (typeof words === "string" ? text.includes(words) : words.test(text)) return text;
    await wait(20);
  }
  throw new Error(`the guest has not said ${words}, but:\n${text}`);
}

/** A person at the guest's serial console. */
export class Typist {
  #guest: RunningInstance;
  #folder: string;
  #count = 0;

  constructor(guest: RunningInstance, folder: string) {
    this.#guest = guest;
    this.#folder = folder;
  }

  /** What the guest prints at that command. */
  async run(command: string, patienceMs?: number): Promise<string> {
    const mark = `done-${++this.#count}-`;
    await this.type(`${command}; echo ${mark}$?`);
    const text = await heard(this.#guest, new RegExp(`${mark}\\d`), patienceMs);
    const from = text.lastIndexOf(`echo ${mark}`);
    return text.slice(text.indexOf("\n", from) + 1, text.search(new RegExp(`${mark}\\d`)));
  }

  /** The line stays open until the guest has echoed all of it: what QEMU has not taken by then would be lost. */
  async type(line: string): Promise<void> {
    const before = (await this.#guest.console()).length;
    const socket = await nodeSockets.connect({ path: consoleSocket(this.#folder) });
    await socket.write(`${line}\n`);
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 20) {
      const echo = Buffer.from(await this.#guest.console())
        .subarray(before)
        .toString();
      if (/[\r\n]/.test(echo) && plain(echo).includes(plain(line).slice(-20))) break;
      await wait(20);
    }
    socket.close();
  }
}

/** Without what a terminal adds where a line is full. */
const plain = (text: string) => text.replaceAll(/\s/g, "");
