import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command.argument("<plan>", "a plan's name").action(
      does(async (cli, id: string) => {
        const job = await (await cli.client()).approvePlan(id);
        return {
          type: "done",
          value: job,
          message: `${job.id} (${job.title}) runs. Follow it with: canopy follow ${job.id}`,
        };
      }),
    );
  },
};
