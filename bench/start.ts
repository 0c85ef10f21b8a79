import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startCloud } from "./cloud.ts";
import { medians, repeat, type BenchOptions, type Report } from "./figures.ts";

const launcher = join(import.meta.dirname, "../bin/canopy");

/** What starting costs: the cloud with its first machine until it is ready, and commands of the CLI. */
export async function benchStart({ runs, folder, say }: BenchOptions): Promise<Report> {
  say("start: the first start of each writes the compile cache and is not counted");
  const ups = await repeat(runs + 1, (run) => up(join(folder, `cloud-${run}`)));
  const cloud = await startCloud(join(folder, "cloud"));
  const env = { CANOPY_URL: cloud.url, CANOPY_KEY: cloud.key, HOME: folder };
  const commands = await repeat(3 * runs + 1, async () => ({
    ...cost("version", ["--version"], env),
    ...cost("help", ["--help"], env),
    ...cost("ps", ["ps"], env),
    ...cost("runEcho", ["run", "--", "echo", "hi"], env),
  }));
  await cloud.stop();
  return {
    bench: "start",
    figures: { ...medians(ups.slice(1)), ...medians(commands.slice(1)) },
    peers: {},
    ratios: {},
  };
}

async function up(folder: string): Promise<Record<string, number>> {
  const first = await startCloud(folder);
  const upReadyMs = first.readyMs;
  const upCpuMs = first.cpuMs();
  const { residentBytes } = await first.memory();
  await first.stop();
  const again = await startCloud(folder);
  const upAgainReadyMs = again.readyMs;
  await again.stop();
  return { upReadyMs, upCpuMs, upResidentBytes: residentBytes, upAgainReadyMs };
}

/** Wall clock and CPU of one command with its launcher, as bash measures them. */
function cost(name: string, args: string[], env: Record<string, string>): Record<string, number> {
  const script = "TIMEFORMAT='%3R %3U %3S'; time \"$@\" >/dev/null 2>&1";
  const { stderr, status } = spawnSync("bash", ["-c", script, "bash", launcher, ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  });
  if (status !== 0)
    throw new Error(`Cannot measure 'canopy ${args.join(" ")}' as it ended with ${status}`);
  const [wall = 0, user = 0, system = 0] = stderr.trim().split(" ").map(Number);
  return { [`${name}CpuMs`]: (user + system) * 1000, [`${name}Ms`]: wall * 1000 };
}
