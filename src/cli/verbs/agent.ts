import type { Verb } from "../verb.ts";
import { agentOptions, runUntilEnded } from "../agent-run.ts";

export const verb: Verb = {
  define(command, does) {
    agentOptions(command)
      .requiredOption("--url <address>", "the cloud")
      .action(
        does(async (cli) => {
          const { url } = cli.options as { url: string };
          return await runUntilEnded(cli, url, cli.programs.config.joinToken || undefined);
        }),
      );
  },
};
