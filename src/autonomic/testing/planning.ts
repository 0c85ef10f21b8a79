import type { Offer } from "#/model/site.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import type { PresentMachine } from "../machine-types.ts";
import type { Demand } from "../step-demand.ts";

const GiB = 2 ** 30;
const minuteMs = 60_000;

/** So many tasks of one CPU, each exactly so long. */
export function demand(tasks: number, taskMs: number): Demand {
  const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
  const belief = { ...toldBelief(taskMs), meanHighMs: taskMs, longMs: taskMs };
  return {
    kinds: [{ kind: "k", tasks, ...belief, seen: 100, needs, driver: "process" }],
    chainMs: 0,
  };
}

export function machine(cpus: number, more: Partial<PresentMachine> = {}): PresentMachine {
  return {
    name: "m",
    site: "local",
    offer: "m",
    capacity: { milliCpus: cpus * 1000, memoryBytes: 8 * GiB },
    labels: {},
    drivers: ["process", "runner"],
    rates: { microsPerHour: 0, idleWatts: 0, peakWatts: 0, pue: 1 },
    gramsPerKwh: undefined,
    share: 1,
    bootMs: 0,
    interruptionsPerHour: 0,
    slowness: 1,
    ...more,
  };
}

export function offer(name: string, more: Partial<Offer> = {}): Offer {
  return {
    site: "lab",
    name,
    capacity: { milliCpus: 4000, memoryBytes: 16 * GiB },
    labels: {},
    market: "on-demand",
    zone: "",
    microsPerHour: 400_000,
    priceGranularityMs: 1000,
    billedMsMin: 0,
    idleWatts: 50,
    peakWatts: 100,
    pue: 1.2,
    gramsPerKwh: 300,
    bootMs: { median: 30_000, p90: minuteMs },
    interruptionsPerHour: 0,
    countMax: 10,
    ...more,
  };
}
