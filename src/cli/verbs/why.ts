import type { Verb } from "../verb.ts";
import { explained, toneOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<name>", "a job (j0f3k2m9x1ab2) or a task of it (j0f3k2m9x1ab2/0/7)")
      .option("--not <machine>", "why a task is not on that machine")
      .action(
        does(async (cli, name: string) => {
          const { not } = cli.options as { not?: string };
          const why = await (await cli.client()).why(name, not);
          return {
            type: "text",
            value: why,
            text: (out) => {
              const head = `${out.paint("bold", why.id)} is ${out.paint(toneOf(why.phase), why.phase)}\n`;
              const lines = why.explanations.map((explanation) => explained(explanation, out));
              return head + (lines.length > 0 ? lines.join("") : "Nothing stands in its way.\n");
            },
          };
        }),
      );
  },
};
