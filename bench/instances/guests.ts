import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { tinyGuest } from "#/drivers/vm/testing/tiny-guest.ts";
import { median, type Goal } from "../figures.ts";
import { InstanceCloud } from "./instance-cloud.ts";
import { ratioGoal, type Part } from "./part.ts";

const ratioMax = 1.2;
const runsMax = 3;
const hello = /hello from user space/;
const MiB = 2 ** 20;
/** What Firecracker publishes: https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md */
const firecracker = { bootMs: 125, overheadMiB: 5 };

interface Boots {
  oursMs: number;
  bareMs: number;
  overheadMiB: number;
  hasKvm: boolean;
}

/** From the call of RunInstances until the guest's first program has printed, beside QEMU alone with the same kernel, in turns. */
export const guests: Part = {
  name: "guests",
  async measure({ folder, runs, say }) {
    const guest = tinyGuest();
    if (!guest) throw new Error("There is no kernel for guests here: npm run setup -- --tests");
    const own = join(folder, "guests");
    mkdirSync(own);
    const disk = join(own, "disk.raw");
    writeFileSync(disk, Buffer.alloc(MiB));
    const cloud = await InstanceCloud.start(join(own, "cloud"), "user");
    try {
      const files = ["--boot-kernel", guest.kernel, "--boot-initrd", guest.initrd];
      const boot = [...files, "--command-line", "quiet"];
      const image = await cloud.import(disk, ...boot, "--name", "guest");
      await cloud.isReady(image, "u.nano");
      const turns = Math.min(runs, runsMax);
      const micro = await boots(cloud, { image, type: "u.nano", turns, folder: own });
      say("guests: on a whole computer");
      const q35 = await boots(cloud, { image, type: "v.nano", turns, folder: own });
      return {
        figures: {
          microvmMs: micro.oursMs,
          bareMicrovmMs: micro.bareMs,
          microvmOverheadMiB: micro.overheadMiB,
          q35Ms: q35.oursMs,
          bareQ35Ms: q35.bareMs,
        },
        goals: [
          ratioGoal("microVM to user space", micro.oursMs / micro.bareMs, ratioMax, "bare QEMU"),
          ratioGoal("q35 to user space", q35.oursMs / q35.bareMs, ratioMax, "bare QEMU"),
          ...besideFirecracker(micro),
        ],
        notes: [
          "memory of a microVM: what its QEMU has in memory beside the guest's own (its code, devices, and what it translates)",
          ...(micro.hasKvm
            ? []
            : [
                "KVM does not work here: guests are emulated (TCG), and Firecracker's figures need KVM",
              ]),
        ],
      };
    } finally {
      await cloud.stop();
    }
  },
};

function besideFirecracker({ oursMs, overheadMiB, hasKvm }: Boots): Goal[] {
  const isIn = (holds: boolean) => (hasKvm ? { holds } : {});
  const needs = hasKvm ? "" : ", needs KVM";
  return [
    {
      what: "microVM's boot",
      target: `Firecracker: < ${firecracker.bootMs} ms${needs}`,
      figure: `${oursMs.toFixed(0)} ms`,
      ...isIn(oursMs < firecracker.bootMs),
    },
    {
      what: "microVM's memory beside the guest's",
      target: `Firecracker: < ${firecracker.overheadMiB} MiB${needs}`,
      figure: `${overheadMiB.toFixed(0)} MiB`,
      ...isIn(overheadMiB < firecracker.overheadMiB),
    },
  ];
}

async function boots(
  cloud: InstanceCloud,
  of: { image: string; type: string; turns: number; folder: string },
): Promise<Boots> {
  const ours: number[] = [];
  const bare: number[] = [];
  const overhead: number[] = [];
  let hasKvm = false;
  for (let turn = 0; turn < of.turns; turn++) {
    const from = performance.now();
    const [id = ""] = await cloud.launch(of.image, of.type);
    await cloud.says(id, hello);
    ours.push(performance.now() - from);
    const machine = readFileSync(join(cloud.folderOf(id), "machine.json"), "utf8");
    const { pid, memoryBytes } = JSON.parse(machine) as { pid: number; memoryBytes: number };
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    hasKvm = words.includes("kvm");
    overhead.push(overheadBytes(pid, memoryBytes) / MiB);
    await cloud.terminate([id]);
    bare.push(await bootAlone(words, join(of.folder, "console")));
  }
  return { oursMs: median(ours), bareMs: median(bare), overheadMiB: median(overhead), hasKvm };
}

/** QEMU with the same machine, processor, memory and kernel, told the same, and nothing else: no disks, no network, no jail. */
async function bootAlone(words: readonly string[], console: string): Promise<number> {
  const after = (name: string) => words[words.indexOf(name) + 1] ?? "";
  const [machine = ""] = after("-M").split(",");
  const same = ["-accel", "-cpu", "-m", "-smp", "-kernel", "-initrd", "-append"];
  const plain = `-nodefaults -no-user-config -display none -M ${machine}`.split(" ");
  const given = same.flatMap((name) => [name, after(name)]);
  const from = performance.now();
  const child = spawn("qemu-system-x86_64", [...plain, "-serial", `file:${console}`, ...given], {
    stdio: ["ignore", "ignore", 2],
  });
  const ended = once(child, "exit");
  try {
    while (!hello.test(textOf(console))) {
      if (child.exitCode !== null || performance.now() - from > 120_000)
        throw new Error(`A guest of QEMU alone did not begin: ${textOf(console)}`);
      await wait(5);
    }
    return performance.now() - from;
  } finally {
    child.kill("SIGKILL");
    await ended;
    await rm(console, { force: true });
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** All that the process has in memory, less what the guest has touched of its own: the largest piece, which is as large as that. */
function overheadBytes(pid: number, memoryBytes: number): number {
  let bytes = 0;
  for (const piece of readFileSync(`/proc/${pid}/smaps`, "utf8").split(
    /\n(?=[0-9a-f]+-[0-9a-f]+ )/,
  )) {
    const size = Number(/^Size: +(\d+)/m.exec(piece)?.[1]) * 1024;
    if (size < memoryBytes) bytes += Number(/^Rss: +(\d+)/m.exec(piece)?.[1]) * 1024;
  }
  return bytes;
}
