import type { Command } from "commander";
import { durationOption, parseAmount, parseCount } from "../count.ts";
import { labelsOf, many } from "../words.ts";

/** Options that every type of site takes. Money is in the cloud's currency; what is not said is unknown. */
export interface SiteFlags {
  max?: number;
  label?: string[];
  gramsPerKwh?: number;
  joinUrl?: string;
}

export function siteOptions(command: Command): Command {
  return command
    .option("--max <number>", "machines held at once, at most", parseCount)
    .option("--label <name=value>", "a label of its machines (repeatable)", many)
    .option("--grams-per-kwh <grams>", "CO2 of its electricity", parseAmount)
    .option("--join-url <url>", "where its machines reach this cloud, when not by its own address");
}

export function siteConfigOf({ max, label, gramsPerKwh, joinUrl }: SiteFlags) {
  return {
    ...(max !== undefined && { machinesMax: max }),
    ...(label && { labels: labelsOf(label) }),
    ...(gramsPerKwh !== undefined && { gramsPerKwh }),
    ...(joinUrl !== undefined && { joinUrl }),
  };
}

/** What a machine costs and draws. */
export interface RateFlags {
  price?: number;
  idleWatts?: number;
  peakWatts?: number;
  pue?: number;
}

export function rateOptions(command: Command): Command {
  return command
    .option(
      "--price <amount>",
      "of one machine for an hour, in the cloud's currency, as in 0.40",
      parseAmount,
    )
    .option("--idle-watts <watts>", "power of one machine at rest", parseAmount)
    .option("--peak-watts <watts>", "power of one machine at full load", parseAmount)
    .option("--pue <factor>", "power usage effectiveness of the building", parseAmount);
}

export function ratesOf({ price, idleWatts, peakWatts, pue }: RateFlags) {
  return {
    ...(price !== undefined && { microsPerHour: microsOf(price) }),
    ...(idleWatts !== undefined && { idleWatts }),
    ...(peakWatts !== undefined && { peakWatts }),
    ...(pue !== undefined && { pue }),
  };
}

export function microsOf(price: number): number {
  return Math.round(price * 1e6);
}

/** How the time of a machine is billed. */
export interface BillingFlags {
  billed?: number;
  billedMin?: number;
}

export function billingOptions(command: Command): Command {
  return command
    .option("--billed <duration>", "time is billed in multiples of it, as in 1h", durationOption)
    .option("--billed-min <duration>", "so much is billed at least, as in 1m", durationOption);
}

export function billingOf({ billed, billedMin }: BillingFlags) {
  return {
    ...(billed !== undefined && { priceGranularityMs: billed }),
    ...(billedMin !== undefined && { billedMsMin: billedMin }),
  };
}
