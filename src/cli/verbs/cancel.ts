import { CanopyError } from "#/base/errors.ts";
import type { JobView } from "#/model/views.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("[jobs...]", "names of jobs")
      .option("--all", "every running job of the project")
      .option("--reason <text>", "why, for those who ask later")
      .option("--yes", "do not ask")
      .addHelpText(
        "after",
        "\nExamples:\n  canopy cancel j0f3k2m9x1ab2\n  canopy cancel --all --yes",
      )
      .action(
        does(async (cli, names: string[]) => {
          const { all, reason, yes } = cli.options as {
            all?: boolean;
            reason?: string;
            yes?: boolean;
          };
          const client = await cli.client();
          const jobs = all
            ? await Array.fromAsync(
                allOf((page) => client.jobs({ ...page, phase: "running" })),
                ({ id }) => id,
              )
            : names;
          if (jobs.length === 0 && !all) {
            throw new CanopyError("invalid", "Cannot cancel as no job was named", {
              hint: "See running jobs with: canopy ps --phase running",
            });
          }
          if (all && jobs.length > 0)
            await confirm(
              cli.terminal,
              `end ${jobs.length} running jobs`,
              String(jobs.length),
              yes,
            );
          const ended: JobView[] = [];
          for (const job of jobs) ended.push(await client.cancelJob(job, reason));
          return {
            type: "done",
            value: ended,
            message:
              ended.map(({ id, title, phase }) => `${id} (${title}) is ${phase}`).join("\n") ||
              "No job was running.",
          };
        }),
      );
  },
};
