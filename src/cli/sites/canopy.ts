import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { Does } from "../verb.ts";
import { addSite } from "./add.ts";
import { sizedConfigOf, sizedOptions, type SizedFlags } from "./sized.ts";

interface CanopyFlags extends SizedFlags {
  lenderProject?: string;
}

/** `canopy sites add canopy`. */
export function defineCanopy(add: Command, does: Does): void {
  const command = add
    .command("canopy")
    .description("Another Canopy, which lends machines: each is a job there that runs our agent")
    .argument("<url>", "where it is")
    .option("--lender-project <project>", "the project there that lends, for a root key")
    .addHelpText(
      "after",
      "\nThe other cloud's key comes from CANOPY_LENDER_KEY, and is kept sealed: canopy key create\nthere makes one. Its quotas and fair share hold for what it lends.",
    );
  sizedOptions(command, "canopy").action(
    does((cli, url: string) => {
      const flags = cli.options as unknown as CanopyFlags;
      const { name, lenderProject } = flags;
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
          ...sizedConfigOf(flags),
          url,
          ...(lenderProject !== undefined && { project: lenderProject }),
        },
        secrets: { key },
      });
    }),
  );
}
