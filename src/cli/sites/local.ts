import type { Command } from "commander";
import { durationOption, parseAmount, sizeOption } from "../count.ts";
import type { Does } from "../verb.ts";
import { addSite } from "./add.ts";
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

interface LocalFlags extends SiteFlags, RateFlags, BillingFlags {
  name: string;
  cpus: number;
  memory: number;
  bootDelay?: number;
}

/** `canopy sites add local`. */
export function defineLocal(add: Command, does: Does): void {
  const command = add
    .command("local")
    .description("More agents on the computer of the control plane")
    .option("--name <name>", "of the site", "local")
    .requiredOption("--cpus <number>", "CPUs of one machine", parseAmount)
    .requiredOption("--memory <size>", "memory of one machine, as in 2GiB", sizeOption)
    .option("--boot-delay <duration>", "before its agent starts, as in 10s", durationOption)
    .option("--replace", "change the site of that name");
  billingOptions(rateOptions(siteOptions(command))).action(
    does((cli) => {
      const flags = cli.options as unknown as LocalFlags;
      const { name, cpus, memory, bootDelay } = flags;
      return addSite(cli, name, {
        config: {
          type: "local",
          ...siteConfigOf(flags),
          ...ratesOf(flags),
          ...billingOf(flags),
          milliCpus: Math.round(cpus * 1000),
          memoryBytes: memory,
          ...(bootDelay !== undefined && { bootDelayMs: bootDelay }),
        },
      });
    }),
  );
}
