import { CanopyError } from "#/base/errors.ts";

/** What a provider takes for memory that a function holds while it runs. */
export interface FunctionPrice {
  /** Money for one GB held for one second, in the GB that the provider counts. */
  perGbSecond: number;
  memoryGb: number;
}

/** How long functions run for the money of an instance. */
export interface Breakeven {
  /** The money of the instance for the whole time. */
  instanceCost: number;
  /** Whole seconds of functions that it buys: with fewer, functions are cheaper; with more, the instance. */
  seconds: number;
}

/**
 * Where an instance and functions cost the same: price per hour × hours / (price per GB-second × GB).
 * All amounts of money are in one currency. Throws CanopyError "invalid" for what is not above 0.
 */
export function breakeven(
  instance: { perHour: number; hours: number },
  { perGbSecond, memoryGb }: FunctionPrice,
): Breakeven {
  mustBePositive({ ...instance, perGbSecond, memoryGb });
  const instanceCost = instance.perHour * instance.hours;
  return { instanceCost, seconds: Math.floor(instanceCost / (perGbSecond * memoryGb)) };
}

/** Equal runs, none of which needs another. */
export interface Runs {
  count: number;
  /** One of them, on one CPU. */
  seconds: number;
}

export interface InstanceOffer {
  perHour: number;
  /** Runs at once. */
  cpus: number;
  bootSeconds: number;
  /** Time is billed in whole multiples of it, boot included. */
  billedSeconds: number;
  /** How many may be had at once; as many as are of use when not given. */
  countMax?: number;
}

export interface FunctionOffer extends FunctionPrice {
  startSeconds: number;
  /** Runs at once; all when not given. */
  concurrencyMax?: number;
}

/** One way to do the runs. */
export interface Way {
  kind: "instances" | "functions";
  /** Instances; for functions, runs at once. */
  count: number;
  /** From the first request to the end of the last run. */
  seconds: number;
  cost: number;
}

/**
 * Every way that no other one beats in both time and money, the fastest first, the cheapest last. Runs are
 * shared out evenly, so of n instances some do one round more, and each is billed until its own end.
 * Throws CanopyError "invalid" for amounts that are not above 0 (times to boot and start may be 0).
 */
export function waysToRun(runs: Runs, instance?: InstanceOffer, functions?: FunctionOffer): Way[] {
  const ways = [
    ...(instance ? onInstances(runs, instance) : []),
    ...(functions ? [onFunctions(runs, functions)] : []),
  ];
  ways.sort((a, b) => a.seconds - b.seconds || a.cost - b.cost || a.count - b.count);
  let cheapest = Infinity;
  return ways.filter(({ cost }) => cost < cheapest && ((cheapest = cost), true));
}

function onInstances(runs: Runs, offer: InstanceOffer): Way[] {
  const { perHour, cpus, bootSeconds, billedSeconds } = offer;
  mustBePositive({ runs: runs.count, runSeconds: runs.seconds, perHour, cpus, billedSeconds });
  mustBePositive({ bootSeconds: bootSeconds + 1, countMax: offer.countMax ?? 1 });
  const perBilled = (perHour * billedSeconds) / 3600;
  const costOf = (rounds: number) =>
    Math.ceil((bootSeconds + rounds * runs.seconds) / billedSeconds) * perBilled;
  const most = Math.min(offer.countMax ?? Infinity, Math.ceil(runs.count / cpus));
  return Array.from({ length: most }, (_, index): Way => {
    const count = index + 1;
    const rounds = Math.ceil(runs.count / (count * cpus));
    // Instances that are full in every round, but for the last round of the others.
    const long = Math.ceil((runs.count - (rounds - 1) * count * cpus) / cpus);
    const short = rounds > 1 ? (count - long) * costOf(rounds - 1) : 0;
    const seconds = bootSeconds + rounds * runs.seconds;
    return { kind: "instances", count, seconds, cost: long * costOf(rounds) + short };
  });
}

function onFunctions(runs: Runs, offer: FunctionOffer): Way {
  const { perGbSecond, memoryGb, startSeconds, concurrencyMax = Infinity } = offer;
  mustBePositive({ runs: runs.count, runSeconds: runs.seconds, perGbSecond, memoryGb });
  mustBePositive({ startSeconds: startSeconds + 1, concurrencyMax });
  const count = Math.min(runs.count, concurrencyMax);
  const seconds = startSeconds + Math.ceil(runs.count / count) * runs.seconds;
  return {
    kind: "functions",
    count,
    seconds,
    cost: runs.count * runs.seconds * perGbSecond * memoryGb,
  };
}

function mustBePositive(amounts: Record<string, number>): void {
  for (const [name, amount] of Object.entries(amounts)) {
    if (amount > 0) continue;
    throw new CanopyError("invalid", `Cannot compare as ${name} must be above 0: it is ${amount}`);
  }
}
