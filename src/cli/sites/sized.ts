import type { Command } from "commander";
import { parseAmount, sizeOption } from "../count.ts";
import {
  billingOf,
  billingOptions,
  rateOptions,
  ratesOf,
  siteConfigOf,
  siteOptions,
  type BillingFlags,
  type RateFlags,
  type SiteFlags,
} from "./options.ts";

/** Options of a site whose machines are all of one size. */
export interface SizedFlags extends SiteFlags, RateFlags, BillingFlags {
  name: string;
  cpus: number;
  memory: number;
}

export function sizedOptions(command: Command, name: string): Command {
  const sized = command
    .option("--name <name>", "of the site", name)
    .requiredOption("--cpus <number>", "CPUs of one machine", parseAmount)
    .requiredOption("--memory <size>", "memory of one machine, as in 2GiB", sizeOption)
    .option("--replace", "change the site of that name");
  return billingOptions(rateOptions(siteOptions(sized)));
}

export function sizedConfigOf(flags: SizedFlags) {
  return {
    ...siteConfigOf(flags),
    ...ratesOf(flags),
    ...billingOf(flags),
    milliCpus: Math.round(flags.cpus * 1000),
    memoryBytes: flags.memory,
  };
}
