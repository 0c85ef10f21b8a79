import { agentOptions, runUntilEnded } from "../agent-run.ts";
import type { Verb } from "../verb.ts";
import { labelsOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    agentOptions(command)
      .argument(
        "[url]",
        "the cloud that this computer joins, its control planes with commas between; without one, prints the line for another computer",
      )
      .option("--token <token>", "the one-time token of that line")
      .addHelpText(
        "after",
        "\nOn a computer that speaks to the cloud:   canopy join\nOn the one that is to join:               the line that it printed",
      )
      .action(
        does(async (cli, url: string | undefined) => {
          const { token, label } = cli.options as { token?: string; label?: string[] };
          if (url !== undefined) {
            return await runUntilEnded(
              cli,
              url,
              token ?? (cli.programs.config.joinToken || undefined),
            );
          }
          const made = await (await cli.client()).makeJoinToken(labelsOf(label));
          return {
            type: "text",
            value: made,
            text: (out) =>
              out.isTty
                ? `On the computer that is to join, once, before ${made.expiresAt}:\n\n  ${out.paint("cyan", made.command)}\n`
                : `${made.command}\n`,
          };
        }),
      );
  },
};
