import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { measure, wallClockMs, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { findProgram, freePort, portOpen, run, startServer } from "./process.ts";
import { slurmConfig } from "./slurm-config.ts";

/** It starts real processes for each task, some dozens a second, and looks for new jobs once a second. */
const bulkTasksMax = 100;
const singleTasksMax = 3;
const waitMsMax = 60_000;

/** slurmctld answers before it has saved the job, so an acknowledgement may not survive its end. */
export const slurm: Peer = {
  name: "slurm",
  durability: "none",
  async missing() {
    if (process.getuid?.() !== 0) return "Slurm's daemons are started as root here: run as root";
    const programs = await Promise.all(
      ["slurmctld", "slurmd", "sbatch"].map((name) => findProgram(name)),
    );
    if (!programs.includes(undefined)) return undefined;
    return "Slurm is not installed: apt-get install slurm-wlm slurmctld slurmd slurm-wlm-basic-plugins";
  },
  async run(options) {
    const folder = join(options.folder, "slurm");
    const [controllerPort, nodePort] = [await freePort(), await freePort()];
    await mkdir(join(folder, "state"), { recursive: true });
    await mkdir(join(folder, "spool"));
    const configPath = join(folder, "slurm.conf");
    await writeFile(configPath, slurmConfig(folder, controllerPort, nodePort));
    await chmod(configPath, 0o644);
    const env = { ...process.env, SLURM_CONF: configPath };
    const logPath = join(folder, "slurm.log");
    const controller = startServer(
      (await findProgram("slurmctld"))!,
      ["-D", "-i", "-c", "-f", configPath],
      logPath,
      env,
    );
    await portOpen(controllerPort, logPath);
    const node = startServer(
      (await findProgram("slurmd"))!,
      ["-D", "-N", "n1", "-f", configPath],
      logPath,
      env,
    );
    const jobs = new Jobs(folder, env);
    try {
      await jobs.nodeIdle();
      const bulkTasks = Math.min(options.bulkTasks, bulkTasksMax);
      const singleTasks = Math.min(options.singleTasks, singleTasksMax);
      return await measure({ ...options, bulkTasks, singleTasks }, (bulk, single) =>
        once(jobs, bulk, single),
      );
    } finally {
      await node.stop();
      await controller.stop();
    }
  },
};

async function once(jobs: Jobs, bulkTasks: number, singleTasks: number): Promise<OneRun> {
  const bulkStartMs = performance.now();
  const done = jobs.next(bulkTasks);
  await jobs.submit("/bin/true", [`--array=1-${bulkTasks}`]);
  await done;
  const bulkMs = performance.now() - bulkStartMs;
  const latenciesMs: number[] = [];
  const startsMs: number[] = [];
  for (let index = 0; index < singleTasks; index++) {
    const submittedMs = wallClockMs();
    await Promise.all([jobs.next(1), jobs.submit(`date +%s%N > ${jobs.startedPath}`, [])]);
    latenciesMs.push(wallClockMs() - submittedMs);
    startsMs.push(Number(await readFile(jobs.startedPath, "utf8")) / 1e6 - submittedMs);
  }
  return { bulkMs, latenciesMs, startsMs };
}

/** The submitter sees a job end by its line in the completion log, which costs the controller least. */
class Jobs {
  readonly startedPath: string;
  readonly #completionsPath: string;
  readonly #env: NodeJS.ProcessEnv;
  #seen = 0;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.startedPath = join(folder, "started");
    this.#completionsPath = join(folder, "completions");
    this.#env = env;
  }

  async submit(command: string, args: string[]): Promise<void> {
    await run("sbatch", ["--output=/dev/null", "--chdir=/", `--wrap=${command}`, ...args], {
      env: this.#env,
    });
  }

  async next(count: number): Promise<void> {
    this.#seen += count;
    for (const until = performance.now() + waitMsMax; performance.now() < until; await sleep(1)) {
      const completions = await readFile(this.#completionsPath, "utf8").catch(() => "");
      if (completions.split("\n").length - 1 >= this.#seen) return;
    }
    throw new Error(`Cannot see ${count} jobs end within ${waitMsMax} ms`);
  }

  async nodeIdle(): Promise<void> {
    for (const until = performance.now() + waitMsMax; performance.now() < until; await sleep(50)) {
      const { stdout } = await run("sinfo", ["-h", "-o", "%T"], { env: this.#env }).catch(() => ({
        stdout: "",
      }));
      if (stdout.trim() === "idle") return;
    }
    throw new Error(`Cannot use Slurm's node as it is not idle after ${waitMsMax} ms`);
  }
}
