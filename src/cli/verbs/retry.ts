import { followed } from "../follow.ts";
import { progressOption } from "../progress-mode.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<job>", "a failed or cancelled job")
      .option("-d, --detach", "do not follow it")
      .addOption(progressOption())
      .action(
        does(async (cli, name: string) => {
          const client = await cli.client();
          const job = await client.retryJob(name);
          if (cli.options["detach"])
            return { type: "done", value: job, message: `${job.id} (${job.title}) runs again` };
          return await followed(cli, client, job);
        }),
      );
  },
};
