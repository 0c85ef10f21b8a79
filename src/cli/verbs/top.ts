import { CanopyError } from "#/base/errors.ts";
import { durationOption } from "../count.ts";
import type { Verb } from "../verb.ts";

const everyMsDefault = 1000;

export const verb: Verb = {
  define(command, does) {
    command
      .option("--every <duration>", "look this often, as in 2s", durationOption)
      .option("--once", "look once, and print it")
      .addHelpText(
        "after",
        "\nKeys: j k or arrows move, Enter shows, tab switches, c cancels, / filters, q leaves",
      )
      .action(
        does(async (cli) => {
          const { every = everyMsDefault, once } = cli.options as {
            every?: number;
            once?: boolean;
          };
          const client = await cli.client();
          const { look } = await import("../top/look.ts");
          if (once || cli.options.json !== undefined) {
            const { tops } = await import("../top/once.ts");
            return tops(await look(client), cli.terminal.world.clock.now());
          }
          if (!cli.terminal.out.isTty || !cli.terminal.canAsk) {
            throw new CanopyError("invalid", "Cannot show a live view as this is no terminal", {
              hint: "Look once: canopy top --once     or as JSON: canopy top --json",
            });
          }
          const { showTop } = await import("../top/screen.ts");
          await showTop(client, every, cli.terminal);
        }),
      );
  },
};
