import { limits } from "#/base/limits.ts";
import type { Verb } from "../verb.ts";
import { agentOptions, runUntilEnded } from "../agent-run.ts";

export const verb: Verb = {
  define(command, does) {
    agentOptions(command)
      .requiredOption("--url <address>", "the cloud, its control planes with commas between")
      .option("--token <token>", "a one-time token, to join first")
      .action(
        does(async (cli) => {
          const { url, token } = cli.options as { url: string; token?: string };
          return await runUntilEnded(
            cli,
            url,
            token ?? (cli.programs.config.joinToken || undefined),
            limits.bootMsMax, // it is a service, or was made by a site: its cloud may just be starting again
          );
        }),
      );
  },
};
