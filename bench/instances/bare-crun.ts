import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limits } from "#/base/limits.ts";
import { until } from "../cloud.ts";

interface OciConfig {
  root: { path: string };
  hooks?: object;
  mounts: { source: string; destination: string; type: string; options: string[] }[];
  linux: { namespaces: { type: string }[]; resources?: object; cgroupsPath?: string };
}

/** crun as it comes: it would not start where both versions of control groups are. */
const alone = `if [ -e /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; date +%s%N; exec "$@"`;

/** The bundle of an instance, run by crun alone: its files unpacked, with networks and control groups of crun's own. */
export class BareCrun {
  #folder: string;
  #count = 0;

  constructor(folder: string, { root, config }: { root: string; config: string }) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const owner = `${limits.containerOwnerBase}:${limits.containerOwnerBase}`;
    const own = join(folder, "root");
    execFileSync("cp", ["-a", root, own]);
    execFileSync("chown", ["-R", owner, own]);
    const bundle = JSON.parse(readFileSync(config, "utf8")) as OciConfig;
    const { hooks: _ours, mounts, linux, ...rest } = bundle;
    const isOurs = ({ source }: { source: string }) => source.startsWith("/");
    const sys = {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: ["ro", "nosuid", "noexec", "nodev"],
    };
    const bare: OciConfig = {
      ...rest,
      root: { path: own },
      mounts: [...mounts.filter((mount) => !isOurs(mount)), sys],
      linux: {
        ...linux,
        namespaces: [...linux.namespaces, { type: "network" }],
        resources: {
          memory: { limit: 128 * 2 ** 20 },
          cpu: { shares: 1024, quota: 100_000, period: 100_000 },
          pids: { limit: limits.containerProcessesMax },
        },
        cgroupsPath: `/canopy-bench-${process.pid}`,
      },
    };
    // In a user namespace crun mounts /sys first where its control groups are below it.
    bare.mounts.sort((a, b) => Number(b.destination === "/sys") - Number(a.destination === "/sys"));
    writeFileSync(join(folder, "config.json"), JSON.stringify(bare));
  }

  /** Milliseconds from crun's start until the program in it has told the time. */
  async run(manager: "cgroupfs" | "disabled"): Promise<number> {
    const name = `bare-${process.pid}-${++this.#count}`;
    const state = ["--root", join(this.#folder, "state"), `--cgroup-manager=${manager}`];
    const pidFile = join(this.#folder, "pid");
    rmSync(pidFile, { force: true });
    const run = ["crun", ...state, "run", "--bundle", this.#folder, "--pid-file", pidFile, name];
    const child = spawn("unshare", ["--mount", "sh", "-c", alone, "sh", ...run], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = once(child, "close");
    let text = "";
    let errors = "";
    child.stderr.on("data", (piece: Buffer) => (errors += piece));
    for await (const piece of child.stdout) {
      text += piece;
      const [, from, to] = /^(\d{19})\n(\d{19})\n/.exec(text) ?? [];
      if (from === undefined || to === undefined) continue;
      // The program may be faster than crun's note of it.
      const isNoted = () => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "";
      await until("crun has noted its process", () => Promise.resolve(isNoted()));
      process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
      await ended;
      return Number(BigInt(to) - BigInt(from)) / 1e6;
    }
    throw new Error(`crun ended before its program said anything: ${text} ${errors}`);
  }
}
