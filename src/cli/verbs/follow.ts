import { followed } from "../follow.ts";
import { progressOption } from "../progress-mode.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<job>", "a job's name")
      .addOption(progressOption())
      .option("--logs", "print what its tasks print, too")
      .action(
        does(async (cli, name: string) => {
          const client = await cli.client();
          return await followed(cli, client, await client.job(name), {
            logs: cli.options["logs"] === true ? "all" : "main",
          });
        }),
      );
  },
};
