import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { InstanceOrder, RootOrder } from "#/model/hosting.ts";
import type { ImageBlob, ImageRun } from "#/model/image.ts";
import type {
  InstanceDriver,
  InstanceDriverParts,
  InstanceMeans,
  PreparedNetwork,
  RunningInstance,
} from "../../instance-driver.ts";
import { containerDriver } from "../container.ts";

let rigs = 0;

/** A container driver with a real machine below it, and blobs that are files. */
export class ContainerRig {
  readonly folder = mkdtempSync(join(tmpdir(), "canopy-containers-"));
  readonly parts: InstanceDriverParts;
  readonly namespace = `canopy-test-${process.pid}-${++rigs}`;
  readonly network: PreparedNetwork;
  driver: InstanceDriver;
  #running = new Set<RunningInstance>();
  #busybox: ImageBlob | undefined;

  constructor() {
    this.parts = {
      ...nodeHost(silent),
      folder: join(this.folder, "shared"),
      mark: `canopy-rig-${process.pid}-${rigs}`,
      blobs: {
        fetch: (_project, key) => Promise.resolve({ path: join(this.folder, key), sizeBytes: 0 }),
        store: (_project, path) => Promise.resolve(this.blob(readFileSync(path))),
      },
    };
    this.network = {
      type: "namespace",
      namespace: this.namespace,
      metadataSocket: join(this.folder, "metadata.sock"),
      forwards: [],
    };
    execFileSync("ip", ["netns", "add", this.namespace]);
    execFileSync("ip", ["-n", this.namespace, "link", "set", "lo", "up"]);
    this.driver = containerDriver(this.parts);
  }

  /** As after the agent's end: what runs is to be found again. */
  begin(): InstanceDriver {
    this.#running.clear();
    return (this.driver = containerDriver(this.parts));
  }

  blob(content: Uint8Array): ImageBlob {
    const key = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(this.folder, key), content);
    return { key, sizeBytes: content.length };
  }

  /** A layer with busybox, users, and what else is given. */
  busybox(): ImageBlob {
    if (this.#busybox) return this.#busybox;
    const root = mkdtempSync(join(this.folder, "root-"));
    for (const name of ["bin", "sbin", "etc", "tmp", "proc", "dev", "sys", "run", "root"])
      mkdirSync(join(root, name));
    copyFileSync("/bin/busybox", join(root, "bin/busybox"));
    for (const name of applets) symlinkSync("busybox", join(root, "bin", name));
    symlinkSync("../bin/busybox", join(root, "sbin/init"));
    writeFileSync(
      join(root, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
    );
    writeFileSync(join(root, "etc/group"), "root:x:0:\nann:x:1000:\nstaff:x:50:ann\n");
    execFileSync("chown", ["-R", "0:0", root]);
    execFileSync("tar", ["-C", root, "-czf", `${root}.tgz`, "."]);
    return (this.#busybox = this.blob(readFileSync(`${root}.tgz`)));
  }

  /** A layer with these files, each of which may be run. */
  files(contents: Record<string, string>): ImageBlob {
    const root = mkdtempSync(join(this.folder, "files-"));
    for (const [name, content] of Object.entries(contents)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content, { mode: 0o755 });
    }
    execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", `${root}.tar`, "."]);
    return this.blob(readFileSync(`${root}.tar`));
  }

  /** A layer with a link. */
  link(name: string, target: string): ImageBlob {
    const root = mkdtempSync(join(this.folder, "link-"));
    symlinkSync(target, join(root, name));
    execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", `${root}.tar`, "."]);
    return this.blob(readFileSync(`${root}.tar`));
  }

  /** Resolves when that has been printed. */
  async printed(running: RunningInstance, what: RegExp): Promise<void> {
    for (let tries = 0; tries < 500; tries++) {
      if (what.test(Buffer.from(await running.console()).toString())) return;
      await wait(20);
    }
    assert.match(Buffer.from(await running.console()).toString(), what);
  }

  order(
    command: string[],
    more: Partial<InstanceOrder> & { run?: Partial<ImageRun> } = {},
  ): InstanceOrder {
    const { run, ...rest } = more;
    const root: RootOrder = {
      type: "files",
      layers: [this.busybox()],
      run: {
        entrypoint: [],
        command,
        env: [],
        folder: "",
        user: "",
        ports: [],
        stopSignal: "",
        ...run,
      },
    };
    return {
      instance: "i-0123456789abcdef0",
      fence: 1,
      project: "default",
      imageProject: "default",
      kind: "container",
      wanted: "running",
      reboots: 0,
      vcpus: 1,
      memoryBytes: 128 * 2 ** 20,
      root,
      disks: [],
      network: {
        interface: "eni-0123456789abcdef0",
        vpc: "vpc-0123456789abcdef0",
        subnetCidr: "172.31.0.0/20",
        privateIp: "172.31.0.4",
        mac: "02:00:00:00:00:04",
        hostname: "ip-172-31-0-4.internal",
        ingress: [],
        egress: [],
        hasPublicAddress: false,
      },
      metadata: { isEnabled: true, hopLimit: 1, documents: {} },
      ...rest,
    };
  }

  async start(order: InstanceOrder, means: Partial<InstanceMeans> = {}): Promise<RunningInstance> {
    const folder = this.folderOf(order);
    mkdirSync(folder, { recursive: true });
    const running = await this.driver.start(folder, order, {
      disks: [],
      network: this.network,
      ...means,
    });
    this.#running.add(running);
    return running;
  }

  /** Of its first process, as the machine sees it. */
  pidOf(order: InstanceOrder): string {
    return readFileSync(join(this.folderOf(order), "container/pid"), "utf8").trim();
  }

  folderOf(order: InstanceOrder): string {
    return join(this.folder, "instances", order.instance);
  }

  /** Runs a command to its end; gives what it printed, and how it ended. */
  async run(
    command: string[],
    more: Parameters<ContainerRig["order"]>[1] = {},
    means: Partial<InstanceMeans> = {},
  ) {
    const running = await this.start(this.order(command, more), means);
    const ended = await running.ended;
    const printed = Buffer.from(await running.console()).toString();
    return { ...ended, printed };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop(0)));
    execFileSync("ip", ["netns", "delete", this.namespace]);
    this.parts.processes.cages(`${this.parts.mark}-containers`)?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const applets =
  "sh df cat echo ls id ps sleep mount umount ip ping wget nc mknod hostname dd free head seq stat touch rm mkdir pwd env kill poweroff reboot mke2fs readlink test true false sync chown su yes".split(
    " ",
  );
