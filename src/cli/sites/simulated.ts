import type { Command } from "commander";
import type { SiteConfigInput } from "#/model/site-config.ts";
import type { Does } from "../verb.ts";
import { addSite } from "./add.ts";
import { siteConfigOf, siteOptions, type SiteFlags } from "./options.ts";
import { readYaml } from "./yaml.ts";

/** `canopy sites add simulated`. */
export function defineSimulated(add: Command, does: Does): void {
  const command = add
    .command("simulated")
    .description("Offers for forecasts and what-ifs; no real machine ever comes of them")
    .argument("<file>", "YAML with its offers, and its seed")
    .option("--name <name>", "of the site", "simulated")
    .option("--replace", "change the site of that name")
    .addHelpText(
      "after",
      "\nThe file, in the units of the API:\n  seed: 7\n  offers:\n    - name: large\n      milliCpus: 8000\n      memoryBytes: 34359738368\n      microsPerHour: 400000\n      bootMs: { median: 40000, p90: 70000 }",
    );
  siteOptions(command).action(
    does(async (cli, file: string) => {
      const flags = cli.options as unknown as SiteFlags & { name: string };
      const content = (await readYaml(cli, file)) as Omit<SiteConfigInput, "type">;
      const config = { ...content, type: "simulated", ...siteConfigOf(flags) } as SiteConfigInput;
      return addSite(cli, flags.name, { config });
    }),
  );
}
