import type { MachineRates } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";

/** What a machine costs and draws by its size, where nobody has said so for that machine itself. */
export interface PriceList {
  /** Shown wherever its prices are. */
  name: string;
  /** ISO 4217. */
  currency: string;
  /** Millionths of the currency for one CPU, and for one GiB of memory, for an hour. */
  microsPerCpuHour: number;
  microsPerGibHour: number;
  /** Power of one CPU at rest and at full load, of one GiB of memory, and the building's overhead as a factor. */
  idleWattsPerCpu: number;
  peakWattsPerCpu: number;
  wattsPerGib: number;
  pue: number;
}

const gibBytes = 2 ** 30;

/**
 * For a machine of which nothing is known. The prices are Google Cloud's list prices for on-demand
 * N1 in us-central1, which it publishes per vCPU and per GiB (0.031611 and 0.004237 USD an hour).
 * The power of a vCPU (0.74 W at rest, 3.5 W at full load: averages over the servers of AWS), of
 * memory (0.392 W per GiB) and the overhead (1.135, AWS) are the coefficients of Cloud Carbon
 * Footprint, https://www.cloudcarbonfootprint.org/docs/methodology.
 */
export const listPrices: PriceList = {
  name: "list price",
  currency: "USD",
  microsPerCpuHour: 31_611,
  microsPerGibHour: 4_237,
  idleWattsPerCpu: 0.74,
  peakWattsPerCpu: 3.5,
  wattsPerGib: 0.392,
  pue: 1.135,
};

/** Rates of a machine of that size by a price list: for a machine that has none of its own. */
export function ratesOf(capacity: Capacity, prices: PriceList = listPrices): MachineRates {
  const cpus = capacity.milliCpus / 1000;
  const gib = capacity.memoryBytes / gibBytes;
  return {
    microsPerHour: Math.round(cpus * prices.microsPerCpuHour + gib * prices.microsPerGibHour),
    idleWatts: cpus * prices.idleWattsPerCpu + gib * prices.wattsPerGib,
    peakWatts: cpus * prices.peakWattsPerCpu + gib * prices.wattsPerGib,
    pue: prices.pue,
  };
}
