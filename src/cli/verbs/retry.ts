import type { RetryInput } from "#/model/plan-views.ts";
import { durationOption } from "../count.ts";
import { followed } from "../follow.ts";
import { progressOption } from "../progress-mode.ts";
import type { Verb } from "../verb.ts";

/** The word for doing without. */
const none = "none";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<job>", "a failed or cancelled job")
      .option(
        "--deadline <duration>",
        "be done by then, counted from now, as in 20m; or none",
        (word) => (word === none ? none : durationOption(word)),
      )
      .option(
        "--budget <money>",
        "never spend more than this, with what it has cost already, as in 3USD; or none",
      )
      .option("-d, --detach", "do not follow it")
      .addOption(progressOption())
      .action(
        does(async (cli, name: string) => {
          const { deadline, budget } = cli.options as {
            deadline?: number | typeof none;
            budget?: string;
          };
          const client = await cli.client();
          const goal: RetryInput = {
            ...(deadline !== undefined && { deadlineMs: deadline === none ? null : deadline }),
            ...(budget !== undefined && { budget: budget === none ? null : budget }),
          };
          const job = await client.retryJob(name, goal);
          if (cli.options["detach"])
            return { type: "done", value: job, message: `${job.id} (${job.title}) runs again` };
          return await followed(cli, client, job);
        }),
      );
  },
};
