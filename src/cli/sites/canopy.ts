import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { parseAmount, sizeOption } from "../count.ts";
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

interface CanopyFlags extends SiteFlags, RateFlags, BillingFlags {
  name: string;
  cpus: number;
  memory: number;
  lenderProject?: string;
}

/** `canopy sites add canopy`. */
export function defineCanopy(add: Command, does: Does): void {
  const command = add
    .command("canopy")
    .description("Another Canopy, which lends machines: each is a job there that runs our agent")
    .argument("<url>", "where it is")
    .option("--name <name>", "of the site", "canopy")
    .requiredOption("--cpus <number>", "CPUs of one machine", parseAmount)
    .requiredOption("--memory <size>", "memory of one machine, as in 2GiB", sizeOption)
    .option("--lender-project <project>", "the project there that lends, for a root key")
    .option("--replace", "change the site of that name")
    .addHelpText(
      "after",
      "\nThe other cloud's key comes from CANOPY_LENDER_KEY, and is kept sealed: canopy key create\nthere makes one. Its quotas and fair share hold for what it lends.",
    );
  billingOptions(rateOptions(siteOptions(command))).action(
    does((cli, url: string) => {
      const flags = cli.options as unknown as CanopyFlags;
      const { name, cpus, memory, lenderProject } = flags;
      const key = cli.terminal.world.env["CANOPY_LENDER_KEY"];
      if (!key) {
        throw new CanopyError(
          "invalid",
          "Cannot add the site as there is no key of the other cloud",
          {
            hint: "Put it into CANOPY_LENDER_KEY: a command line shows it to everyone",
          },
        );
      }
      return addSite(cli, name, {
        config: {
          type: "canopy",
          ...siteConfigOf(flags),
          ...ratesOf(flags),
          ...billingOf(flags),
          url,
          ...(lenderProject !== undefined && { project: lenderProject }),
          milliCpus: Math.round(cpus * 1000),
          memoryBytes: memory,
        },
        secrets: { key },
      });
    }),
  );
}
