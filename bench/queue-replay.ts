import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { startEngine } from "#/engine.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import type { BenchOptions, Report } from "./figures.ts";
import { kueueBaseline, replay } from "./scheduling/kueue-baseline.ts";

/** What Kueue itself takes for it: its test's rangespec.yaml gives the mean of five runs, and of the waits until admission. */
const kueue = {
  tookS: 351.1,
  useShare: 0.559,
  waitSmallS: 215.5,
  waitMediumS: 76.8,
  waitLargeS: 6.7,
};
/** The work of all jobs, over all CPUs of the quotas. */
const boundS = 66;

/** Kueue's own load in real time, by the production engine: every job and its end durable in SQLite. */
export async function benchQueueReplay({ folder, say }: BenchOptions): Promise<Report> {
  const { cohorts, queues, kinds } = kueueBaseline;
  const jobs = cohorts * queues * kinds.reduce((sum, kind) => sum + kind.jobs, 0);
  say(
    `queue-replay: ${jobs} jobs of ${cohorts * queues} projects in ${cohorts} cohorts, about 70 s`,
  );
  const host = nodeHost(silent);
  const engine = await startEngine(host, {
    dataFolder: join(folder, "engine"),
    log: new SqliteLog(join(folder, "space.db")),
    onBroken: (error) => {
      throw error;
    },
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = process.cpuUsage();
  const ran = await replay({ ...engine, clock: host.clock });
  const { user, system } = process.cpuUsage(before);
  await engine.stop();
  const figures = {
    tookS: ran.tookMs / 1000,
    boundS,
    /** Of the quotas' CPUs over the whole time, what jobs used that were not stopped. */
    useShare: ran.workCpuMs / ran.quotaCpuMs,
    lostShare: ran.lostCpuMs / ran.quotaCpuMs,
    preemptions: ran.preemptions,
    waitSmallS: ran.waitMs.small / 1000,
    waitMediumS: ran.waitMs.medium / 1000,
    waitLargeS: ran.waitMs.large / 1000,
    projectCpusMax: ran.projectCpusMax,
    cohortCpusMax: ran.cohortCpusMax,
    /** How late timers are: on a machine that others use too, jobs end late and hold their quota for longer. */
    loopDelayP99Ms: delay.percentile(99) / 1e6,
    loopDelayMaxMs: delay.max / 1e6,
    cpuS: (user + system) / 1e6,
    targetS: 70,
    targetUseShare: 0.94,
  };
  return {
    bench: "queue-replay",
    figures,
    peers: { "Kueue, as it says": kueue },
    ratios: {
      tookS: kueue.tookS / figures.tookS,
      useShare: figures.useShare / kueue.useShare,
      waitSmallS: kueue.waitSmallS / figures.waitSmallS,
      waitMediumS: kueue.waitMediumS / figures.waitMediumS,
      waitLargeS: kueue.waitLargeS / figures.waitLargeS,
    },
  };
}
