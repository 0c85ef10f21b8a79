import { parseCount } from "../count.ts";
import { cutNoteOf, forecastText } from "../forecast/words.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("[job]", "only this job")
      .option("--forks <count>", "run so many forks: the more, the surer the bands", parseCount)
      .option("--seed <number>", "another seed, other chances", parseCount)
      .addHelpText(
        "after",
        "\nRuns the scheduler, and what buys for deadlines, on forks of the state as it is now, in simulated\ntime. Each value is the likely one, with the band that eight of ten stay in.",
      )
      .action(
        does(async (cli, job: string | undefined) => {
          const { forks, seed } = cli.options as { forks?: number; seed?: number };
          const client = await cli.client();
          const forecast = await client.forecast({
            ...(job !== undefined && { job }),
            ...(forks !== undefined && { forks }),
            ...(seed !== undefined && { seed }),
          });
          return {
            type: "text",
            value: forecast,
            note: cutNoteOf(forecast),
            text: (out) =>
              forecast.jobs.length === 0 && out.isTty
                ? "Nothing runs or waits.\n"
                : forecastText(forecast, out),
          };
        }),
      );
  },
};
