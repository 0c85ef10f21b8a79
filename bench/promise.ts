import { machinesFor } from "#/autonomic/machines.ts";
import { propose } from "#/autonomic/propose.ts";
import { rulesOf, type Rules } from "#/autonomic/rules.ts";
import { boughtBy, spentBy } from "#/autonomic/spending.ts";
import { SimulatedCloud } from "#/autonomic/testing/simulated-cloud.ts";
import { Chance } from "#/base/chance.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Goal } from "#/model/plan.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { judgeReasons } from "#/scheduler/testing/reasons.ts";
import { beliefOf } from "#/planning/mix/beliefs.ts";
import type { BenchOptions, Report } from "./figures.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const GiB = 2 ** 30;
const jobs = 400;
/** In which a task waits, and the reasons are judged. */
const situations = 1000;
/** What was promised is measured until so long after the deadline. */
const lateMsMax = 3 * hourMs;
const job = "j1";

interface Kept {
  asked: number;
  accepted: number;
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
 * Random jobs, under random policies, over sites that fail: machines that boot late or are taken back,
 * answers that get lost, capacity that is not there. Each job's plan is made by the production planner from
 * a sample of run times; where it promises, the production loop keeps it in simulated time. Counted is what
 * was promised and not held. Then the reasons that `canopy why` states for tasks that wait: removing all of a
 * machine's must place the task there, and removing all but one must not.
 */
export async function benchPromise({ say }: BenchOptions): Promise<Report> {
  const kept: Kept = {
    asked: 0,
    accepted: 0,
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
    await runOne(seed, kept);
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

async function runOne(seed: number, kept: Kept): Promise<void> {
  const chance = new Chance(seed);
  const meanMs = chance.spread(5_000, 5 * minuteMs);
  const spread = chance.spread(0.05, 0.8);
  const taskMs = logNormalOf(chance, meanMs, spread);
  const times = new Map<string, number>();
  const cloud = await SimulatedCloud.open({
    site: randomSite(chance),
    taskMs(task) {
      let ms = times.get(task);
      if (ms === undefined) times.set(task, (ms = taskMs()));
      return ms;
    },
    random: chance,
    fault: faultsOf(chance),
  });
  try {
    await promiseOne(cloud, chance, taskMs, kept);
  } finally {
    cloud.stop();
  }
}

async function promiseOne(
  cloud: SimulatedCloud,
  chance: Chance,
  taskMs: () => number,
  kept: Kept,
): Promise<void> {
  const { rig } = cloud;
  cloud.machine("here", chance.between(1, 4));
  await rig.clock.advance(1);
  const tasks = Math.round(chance.spread(10, 400));
  const belief = beliefOf(sampleOf(chance.between(5, 200), taskMs), tasks);
  const policy = randomPolicy(chance);
  const rules: Rules = await rulesOf(policy);
  const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
  const demand = {
    kinds: [{ kind: "step0", tasks, ...belief, seen: 10, needs, driver: "runner" }],
    chainMs: 0,
  };
  const goal = randomGoal(chance, tasks, belief.meanMs);
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
  cloud.policy(policy);
  const { deadlineMs, budgetMicros } = goal;
  cloud.job(job, tasks, belief, {
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

function randomSite(chance: Chance): SimulatedConfig {
  const offers = Array.from({ length: chance.between(1, 5) }, (_, at) => {
    const cpus = chance.pick([1, 2, 4, 8, 16]);
    const median = Math.round(chance.spread(5_000, 5 * minuteMs));
    const isSpot = chance.happens(0.4);
    return {
      name: `offer${at}`,
      milliCpus: cpus * 1000,
      memoryBytes: cpus * 4 * GiB,
      microsPerHour: Math.round(cpus * chance.spread(10_000, 200_000) * (isSpot ? 0.3 : 1)),
      bootMs: { median, p90: Math.round(median * chance.spread(1, 2)) },
      priceGranularityMs: chance.pick([1000, minuteMs, hourMs]),
      billedMsMin: chance.pick([0, minuteMs]),
      countMax: chance.between(0, 12),
      ...(isSpot && { interruptionsPerHour: chance.spread(0.05, 3) }),
    };
  });
  return siteConfig.parse({
    type: "simulated",
    seed: chance.between(1, 1e9),
    machinesMax: 30,
    offers,
  }) as SimulatedConfig;
}

/** One call of twenty is refused, throttled, or its answer gets lost. */
function faultsOf(chance: Chance): () => CanopyError | undefined {
  return () => {
    if (!chance.happens(0.05)) return undefined;
    const code = chance.pick(["no-capacity", "limited", "unavailable"] as const);
    return new CanopyError(code, `the site says ${code}`, { retryAfterMs: 3000 });
  };
}

function randomPolicy(
  chance: Chance,
): Partial<AutonomicPolicy> & Pick<AutonomicPolicy, "type" | "timeZone" | "autonomy"> {
  return {
    type: "autonomic",
    timeZone: "UTC",
    autonomy: { buy: "act", release: chance.pick(["act", "act", "advise"] as const) },
    ...(chance.happens(0.2) && { markets: ["on-demand"] as const }),
    ...(chance.happens(0.2) && { where: `offer.perHour < ${chance.spread(0.1, 3).toFixed(2)}` }),
  };
}

/** Of a deadline and a budget one or both; some that nothing can keep. */
function randomGoal(chance: Chance, tasks: number, meanMs: number): Goal {
  const workMs = tasks * meanMs;
  const kind = chance.pick(["deadline", "deadline", "both", "both", "budget"] as const);
  return {
    objective: "cost",
    ...(kind !== "budget" && {
      deadlineMs: Math.round(Math.max(3 * meanMs, workMs / chance.spread(2, 60))) + minuteMs,
    }),
    ...(kind !== "deadline" && {
      budgetMicros: Math.round((workMs / hourMs) * chance.spread(20_000, 500_000)) + 1000,
    }),
  };
}

/** Run times with that mean and coefficient of variation. */
function logNormalOf(chance: Chance, meanMs: number, spread: number): () => number {
  const sigma = Math.sqrt(Math.log(1 + spread ** 2));
  const mu = Math.log(meanMs) - sigma ** 2 / 2;
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - chance.fraction()));
    return Math.exp(mu + sigma * radius * Math.cos(2 * Math.PI * chance.fraction()));
  };
}

function sampleOf(
  count: number,
  draw: () => number,
): { count: number; meanMs: number; variance: number } {
  const values = Array.from({ length: count }, draw);
  const meanMs = values.reduce((sum, value) => sum + value, 0) / count;
  const variance =
    values.reduce((sum, value) => sum + (value - meanMs) ** 2, 0) / Math.max(1, count - 1);
  return { count, meanMs, variance };
}
