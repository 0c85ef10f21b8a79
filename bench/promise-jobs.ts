import type { Chance } from "#/base/chance.ts";
import { CanopyError } from "#/base/errors.ts";
import type { SimulatedStep } from "#/autonomic/testing/simulated-cloud.ts";
import type { Goal } from "#/model/plan.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import type { QuotaSpec } from "#/model/quota.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { beliefOf } from "#/planning/mix/beliefs.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const GiB = 2 ** 30;

export const sorts = ["bag", "gang", "workflow"] as const;
export type Sort = (typeof sorts)[number];

/** A step, and how long one of its tasks takes. */
export interface RandomStep extends SimulatedStep {
  taskMs: () => number;
}

/** A bag of tasks, a gang, or steps of which some wait for others and some are gangs; what is believed of them is from samples. */
export function randomSteps(chance: Chance, sort: Sort): RandomStep[] {
  const meanMs = chance.spread(5_000, 5 * minuteMs);
  const spread = chance.spread(0.05, 0.8);
  if (sort === "bag")
    return [stepOf(chance, Math.round(chance.spread(10, 400)), { meanMs, spread, after: [] })];
  if (sort === "gang")
    return [
      stepOf(chance, chance.between(2, 24), { meanMs, spread, after: [], ...gangOf(chance) }),
    ];
  return Array.from({ length: chance.between(2, 6) }, (_, number) => {
    const before = Array.from({ length: number }, (__, at) => at);
    return stepOf(chance, Math.round(chance.spread(1, 80)), {
      meanMs: meanMs * chance.spread(0.3, 2),
      spread,
      after: before.filter(() => chance.happens(0.5)),
      ...(chance.happens(0.15) && gangOf(chance)),
    });
  });
}

/** Whole, or half of it at least. */
function gangOf(chance: Chance): { minimumShare: number } {
  return { minimumShare: chance.pick([1, 1, 0.5]) };
}

function stepOf(
  chance: Chance,
  count: number,
  of: { meanMs: number; spread: number; after: number[]; minimumShare?: number },
): RandomStep {
  const { meanMs, spread, after, minimumShare } = of;
  const tasks = minimumShare === undefined ? count : Math.min(count, 24);
  const taskMs = logNormalOf(chance, meanMs, spread);
  const isWhole = minimumShare === 1;
  const seen = sampleOf(chance.between(5, 200), taskMs);
  const belief = beliefOf(seen, tasks, isWhole ? tasks : undefined);
  if (minimumShare === undefined) return { tasks, belief, after, taskMs };
  const gang = isWhole ? {} : { minimum: Math.ceil(tasks * minimumShare) };
  return { tasks, belief, after, taskMs, gang };
}

/** One project of four has a quota, which it may well need more than. */
export function randomQuota(chance: Chance): QuotaSpec {
  return chance.happens(0.25) ? { quota: { milliCpus: chance.between(1, 4) * 1000 } } : {};
}

export function randomSite(chance: Chance): SimulatedConfig {
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
export function faultsOf(chance: Chance): () => CanopyError | undefined {
  return () => {
    if (!chance.happens(0.05)) return undefined;
    const code = chance.pick(["no-capacity", "limited", "unavailable"] as const);
    return new CanopyError(code, `the site says ${code}`, { retryAfterMs: 3000 });
  };
}

export function randomPolicy(
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
export function randomGoal(chance: Chance, steps: readonly RandomStep[]): Goal {
  const meanMs = Math.max(...steps.map(({ belief }) => belief.meanMs));
  const workMs = steps.reduce((sum, { tasks, belief }) => sum + tasks * belief.meanMs, 0);
  const kind = chance.pick(["deadline", "deadline", "both", "both", "budget"] as const);
  return {
    objective: "cost",
    ...(kind !== "budget" && {
      deadlineMs:
        Math.round(Math.max(3 * steps.length * meanMs, workMs / chance.spread(2, 60))) + minuteMs,
    }),
    ...(kind !== "deadline" && {
      budgetMicros: Math.round((workMs / hourMs) * chance.spread(20_000, 500_000)) + 1000,
    }),
  };
}

/** Run times with that mean and coefficient of variation. */
export function logNormalOf(chance: Chance, meanMs: number, spread: number): () => number {
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
