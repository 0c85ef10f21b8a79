import { machinesFor } from "#/autonomic/machines.ts";
import { propose } from "#/autonomic/propose.ts";
import { rulesOf, type Rules } from "#/autonomic/rules.ts";
import { boughtBy, spentBy } from "#/autonomic/spending.ts";
import { demandOfSteps, SimulatedCloud } from "#/autonomic/testing/simulated-cloud.ts";
import { Chance } from "#/base/chance.ts";
import { judgeReasons } from "#/scheduler/testing/reasons.ts";
import type { BenchOptions, Report } from "./figures.ts";
import {
  faultsOf,
  randomGoal,
  randomPolicy,
  randomQuota,
  randomSite,
  randomSteps,
  sorts,
  type RandomStep,
  type Sort,
} from "./promise-jobs.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const jobs = 600;
/** In which a task waits, and the reasons are judged. */
const situations = 1000;
/** What was promised is measured until so long after the deadline. */
const lateMsMax = 3 * hourMs;
const job = "j1";

interface Kept {
  asked: number;
  accepted: number;
  /** Of those, by what they are made of. */
  bag: number;
  gang: number;
  workflow: number;
  /** With a deadline. */
  deadlines: number;
  late: number;
  /** With a budget. */
  budgets: number;
  crossed: number;
  /** Ended before they were done, as their budget would have been crossed. */
  stopped: number;
  machines: number;
  /** What they cost, in the currency. */
  spent: number;
  lost: number;
  refusedByPolicy: number;
}

/**
 * Random jobs (bags of tasks, gangs, workflows), under random policies and quotas, over sites that fail: machines that boot late or are taken back,
 * answers that get lost, capacity that is not there. Each job's plan is made by the production planner from
 * a sample of run times; where it promises, the production loop keeps it in simulated time. Counted is what
 * was promised and not held. Then the reasons that `canopy why` states for tasks that wait: removing all of a
 * machine's must place the task there, and removing all but one must not.
 */
export async function benchPromise({ say }: BenchOptions): Promise<Report> {
  const kept: Kept = {
    asked: 0,
    accepted: 0,
    bag: 0,
    gang: 0,
    workflow: 0,
    deadlines: 0,
    late: 0,
    budgets: 0,
    crossed: 0,
    stopped: 0,
    machines: 0,
    spent: 0,
    lost: 0,
    refusedByPolicy: 0,
  };
  const begun = performance.now();
  for (let seed = 1; seed <= jobs; seed++) {
    if (seed % 50 === 0) say(`promise: ${seed} of ${jobs} jobs`);
    await runOne(seed, kept, say);
  }
  let reasons = 0;
  let wrongReasons = 0;
  for (let seed = 1; seed <= situations; seed++) {
    const found = await judgeReasons(seed);
    reasons += found.reasons;
    wrongReasons += found.needless.length + found.missing.length;
  }
  return {
    bench: "promise",
    figures: {
      ...kept,
      reasons,
      wrongReasons,
      deadlinesMetPercent: 100 * (1 - kept.late / kept.deadlines),
      tookMs: performance.now() - begun,
    },
    targets: { deadlinesMetPercent: 99, crossed: 0, wrongReasons: 0 },
    peers: {},
    ratios: {},
  };
}

function sortOf(seed: number): Sort {
  return sorts[seed % sorts.length]!;
}

async function runOne(seed: number, kept: Kept, say: BenchOptions["say"]): Promise<void> {
  const chance = new Chance(seed);
  const steps = randomSteps(chance, sortOf(seed));
  const times = new Map<string, number>();
  const cloud = await SimulatedCloud.open({
    site: randomSite(chance),
    taskMs(task) {
      let ms = times.get(task);
      const step = steps[Number(task.split("/")[1])]!;
      if (ms === undefined) times.set(task, (ms = step.taskMs()));
      return ms;
    },
    random: chance,
    fault: faultsOf(chance),
  });
  try {
    await promiseOne(cloud, chance, steps, { kept, seed, say });
  } finally {
    cloud.stop();
  }
}

async function promiseOne(
  cloud: SimulatedCloud,
  chance: Chance,
  steps: readonly RandomStep[],
  { kept, seed, say }: { kept: Kept; seed: number; say: BenchOptions["say"] },
): Promise<void> {
  const { rig } = cloud;
  cloud.machine("here", chance.between(1, 4));
  await rig.clock.advance(1);
  const policy = randomPolicy(chance);
  const rules: Rules = await rulesOf(policy);
  rig.project("p", 1, randomQuota(chance));
  const demand = demandOfSteps(steps);
  const goal = randomGoal(chance, steps);
  const now = rig.clock.now();
  const machines = machinesFor(
    rig.space,
    rig.scheduler,
    cloud.knowledge,
    { name: "", project: "p" },
    now,
  );
  const allowed = cloud.offers().map((offer) => rules.allowed(offer, job, now));
  kept.asked++;
  if (allowed.some((reason) => reason !== undefined)) kept.refusedByPolicy++;
  const found = propose(demand, goal, machines, cloud.knowledge.offers(cloud.offers()), (offer) =>
    rules.allowed(offer, job, now),
  );
  if (!("predicted" in found)) return;
  kept.accepted++;
  kept[sortOf(seed)]++;
  cloud.policy(policy);
  const { deadlineMs, budgetMicros } = goal;
  cloud.workflow(job, steps, {
    ...(deadlineMs !== undefined && { deadlineAt: now + deadlineMs }),
    ...(budgetMicros !== undefined && { budgetMicros }),
  });
  const endedMs = await cloud.untilEnded(job, (deadlineMs ?? 6 * hourMs) + lateMsMax);
  await rig.clock.advance(minuteMs);
  const record = rig.space.get("job", job)!;
  const isStopped = record.status.phase === "cancelled";
  if (deadlineMs !== undefined) {
    kept.deadlines++;
    if (endedMs === undefined || isStopped || endedMs > deadlineMs) {
      kept.late++;
      say(
        `promise: the job of seed ${seed} is late by ${endedMs === undefined || isStopped ? "nobody knows how much" : `${endedMs - deadlineMs} ms`}`,
      );
    }
  }
  if (budgetMicros !== undefined) {
    kept.budgets++;
    const parts = {
      job: record,
      steps: [...rig.space.list("step", job)],
      running: [],
      orders: [],
      machine: () => undefined,
    };
    const spent = spentBy(rig.clock.now(), parts);
    if (
      spent === undefined ||
      boughtBy(rig.clock.now(), record, []) === undefined ||
      spent > budgetMicros
    )
      kept.crossed++;
    if (isStopped) kept.stopped++;
  }
  kept.machines += cloud.orders().length;
  kept.spent += (boughtBy(rig.clock.now(), record, []) ?? 0) / 1e6;
  kept.lost += cloud.orders().filter(({ status }) => status.phase === "failed").length;
}
