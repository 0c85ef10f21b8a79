import { followed } from "../follow.ts";
import { readPlanFile } from "../plan/file.ts";
import { requireSources } from "../plan/make.ts";
import { progressOption } from "../progress-mode.ts";
import type { Verb } from "../verb.ts";

interface ApplyOptions {
  detach?: boolean;
  logs?: boolean;
  asPlanned?: boolean;
}

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<file>", "a plan that canopy plan -o wrote")
      .option("-d, --detach", "do not follow its job")
      .option("--logs", "print what all of its tasks print")
      .option("--as-planned", "also where files that it was planned of have changed")
      .addOption(progressOption())
      .addHelpText(
        "after",
        "\nExactly that plan is run, once: applied again, it is the same job. Refused (exit code 5) when prices, offers,\nmachines or the job have changed so that the plan does not hold.",
      )
      .action(
        does(async (cli, file: string) => {
          const options = cli.options as ApplyOptions;
          const { plan, sources } = await readPlanFile(file, cli.terminal.world);
          if (!options.asPlanned) await requireSources(cli, file, sources);
          const client = await cli.client();
          const job = await client.applyPlan(plan.id, plan.digest);
          if (options.detach)
            return {
              type: "text",
              value: job,
              text: (out) =>
                out.isTty
                  ? `${job.id} (${job.title}) runs. Follow it with: canopy follow ${job.id}\n`
                  : `${job.id}\n`,
            };
          return followed(cli, client, job, { logs: options.logs ? "all" : "main" });
        }),
      );
  },
};
