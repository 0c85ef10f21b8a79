import { join } from "node:path";
import type { Placement } from "#/model/placement.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import type { SpaceLog } from "#/space/log.ts";
import { median, repeat, type BenchOptions, type Report } from "./figures.ts";
import { fullScan, Placing, taskNeeds } from "./scheduling/placing.ts";

/** No machine has so many CPUs. */
const tooLarge = { cpus: 8, memoryBytes: 0 };
const reasonsAsked = 200;

/**
 * Placing small tasks on thousands of idle machines: from the commit of the tasks until the last of
 * them is handed out, by the production space, jobs loop and scheduler; only agents' links are left out.
 */
export async function benchPlace({ runs, folder, say }: BenchOptions): Promise<Report> {
  const memory = () => new MemoryLog();
  const figures: Record<string, number> = {};
  let files = 0;
  const sqlite = () => new SqliteLog(join(folder, `place-${files++}.db`));
  const rates: [name: string, log: () => SpaceLog, scenario: Scenario][] = [
    ["place10kOn5kPerSecond", memory, { machines: 5000, tasks: 10_000 }],
    ["place50kOn5kPerSecond", memory, { machines: 5000, tasks: 50_000 }],
    ["place50kOn15kPerSecond", memory, { machines: 15_000, tasks: 50_000 }],
    ["spread50kOn5kPerSecond", memory, { machines: 5000, tasks: 50_000, placement: "spread" }],
    ["pack50kOn5kPerSecond", memory, { machines: 5000, tasks: 50_000, placement: "pack" }],
    ["place50kChurnPerSecond", memory, { machines: 5000, tasks: 50_000, churn: 50 }],
    ["place50kMixPerSecond", memory, { machines: 5000, tasks: 50_000, unschedulable: 5000 }],
    ["durable10kOn5kPerSecond", sqlite, { machines: 5000, tasks: 10_000 }],
    ["durable50kOn5kPerSecond", sqlite, { machines: 5000, tasks: 50_000 }],
    ["durable50kOn15kPerSecond", sqlite, { machines: 15_000, tasks: 50_000 }],
  ];
  for (const [name, log, scenario] of rates) {
    say(`place: ${name}`);
    await place(log(), scenario); // warms code up
    const all = await repeat(runs, () => place(log(), scenario));
    figures[name] = median(all.map(({ perSecond }) => perSecond));
    if (name === "durable50kOn5kPerSecond") Object.assign(figures, all.at(-1)!.reasons);
  }
  fullScan(5000, 10_000);
  const scanned = median(await repeat(runs, async () => fullScan(5000, 50_000)));
  return {
    bench: "place",
    figures: { ...figures, targetPerSecond: 100_000, targetDurablePerSecond: 10_000 },
    peers: {
      "full scan, in memory": { perSecond: scanned },
      "Kubernetes, its own floor": { perSecondLow: 680, perSecondHigh: 1100 },
    },
    ratios: {
      "full scan": figures["place50kOn5kPerSecond"]! / scanned,
      "Kubernetes, durable": figures["durable50kOn5kPerSecond"]! / 1100,
    },
  };
}

interface Scenario {
  machines: number;
  tasks: number;
  placement?: Placement;
  /** So many times in between, a hundredth of the machines leaves and as many come. */
  churn?: number;
  /** Tasks that no machine can ever run, first in line. */
  unschedulable?: number;
}

interface Placed {
  perSecond: number;
  reasons: Record<string, number>;
}

async function place(
  log: SpaceLog,
  { machines, tasks, placement, churn = 0, unschedulable = 0 }: Scenario,
): Promise<Placed> {
  const placing = await Placing.open(log, machines, placement);
  if (unschedulable > 0) {
    const waiting = await placing.job(tooLarge);
    placing.submit(waiting, 0, unschedulable);
    await placing.space.durable();
  }
  const job = await placing.job(taskNeeds);
  const startMs = performance.now();
  if (churn === 0) {
    placing.submit(job, 0, tasks);
    await placing.until(tasks);
  } else {
    const part = tasks / churn;
    for (let turn = 0; turn < churn; turn++) {
      placing.submit(job, turn * part, part);
      const away = placing.leave(machines / 100);
      await Promise.all([away, placing.join(machines / 100)]);
    }
    await placing.until(tasks);
  }
  const tookMs = performance.now() - startMs;
  const perSecond = placing.placements / (tookMs / 1000);
  check(placing, tasks);
  const reasons = await ask(placing);
  await placing.close();
  return { perSecond, reasons };
}

/** Every task is with one machine, and the scheduler knows it so. */
function check({ placed, scheduler }: Placing, tasks: number): void {
  if (placed.size !== tasks) throw new Error(`Cannot measure as ${placed.size} were handed out`);
  for (const [task, machine] of placed) {
    if (scheduler.leaseOf(task)?.machine !== machine) {
      throw new Error(`Cannot measure as ${task} is not with ${machine}`);
    }
  }
}

/** Why some are where they are, and not elsewhere: as `canopy why` asks. */
async function ask({ placed, scheduler }: Placing): Promise<Record<string, number>> {
  const every = Math.max(1, Math.floor(placed.size / reasonsAsked));
  const all = [...placed];
  const asked = all.filter((_, index) => index % every === 0);
  const startMs = performance.now();
  let sentences = 0;
  for (const [task, machine] of asked) {
    const [, other] = all.find(([, one]) => one !== machine)!;
    const here = await scheduler.explainTask(task);
    const there = await scheduler.explainTask(task, { not: other });
    sentences += here.length + there.length;
  }
  if (sentences < 2 * asked.length) throw new Error("Cannot measure as reasons are missing");
  return { reasonMicros: ((performance.now() - startMs) * 1000) / (2 * asked.length) };
}
