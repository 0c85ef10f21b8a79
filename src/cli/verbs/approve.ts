import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command.argument("<plan>", "a plan's name").action(
      does(async (cli, id: string) => {
        const done = await (await cli.client()).approvePlan(id, true);
        const message =
          "digest" in done && done.saving
            ? `${done.saving.subject} is ended soon. See what comes of it with: canopy why ${done.saving.subject}`
            : "digest" in done
              ? `The plan ${done.id} for the ${done.title} is carried out. See what comes of it with: canopy fleet`
              : `${done.id} (${done.title}) runs. Follow it with: canopy follow ${done.id}`;
        return { type: "done", value: done, message };
      }),
    );
  },
};
