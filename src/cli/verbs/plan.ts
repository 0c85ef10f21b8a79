import type { PlanView } from "#/model/plan-views.ts";
import { briefDuration } from "#/model/units.ts";
import { planText } from "../plan/text.ts";
import { column, type Result } from "../result.ts";
import { defineJobOptions, type RunOptions } from "../run/options.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf, moneyOf } from "../words.ts";

const listed = 20;

export const verb: Verb = {
  define(command, does) {
    command
      .usage("<file> [args...] [options] | [command]")
      .addHelpText(
        "after",
        "\nExamples:\n  canopy plan job.ts --deadline 20m --budget 3USD -o p.json\n  canopy plan p.json            would it be another plan now? exit code 10 when it would\n  canopy apply p.json           run exactly that\n  canopy plan                   list plans\n\nAll options: canopy plan make --help",
      );
    const make = command
      .command("make", { isDefault: true })
      .usage("[options] <file> [args...] | [options] -- <program> [args...]")
      .description("Plan what canopy run would run; or what a kept plan is of, again")
      .argument(
        "[what]",
        "what canopy run takes, or a plan that -o wrote; without it, plans are listed",
      )
      .argument("[args...]", "arguments of the module's function; those after -- too")
      .option("-o, --out <file>", "keep the plan in a file: canopy apply runs exactly that");
    defineJobOptions(make)
      .addHelpText(
        "after",
        "\nExamples:\n  canopy plan job.ts --deadline 20m --budget 3USD -o p.json\n  canopy plan p.json            would it be another plan now? exit code 10 when it would\n  canopy apply p.json",
      )
      .action(
        does(async (cli, what: string | undefined, args: string[]) => {
          if (what === undefined && cli.rest === undefined) return list(cli);
          const words = what === undefined ? [] : [what, ...args];
          const { holdsPlan, makePlan, planAgain } = await import("../plan/make.ts");
          const options = cli.options as RunOptions & { out?: string };
          return (await holdsPlan(cli, words))
            ? planAgain(cli, words[0]!, options.out)
            : makePlan(cli, words, options);
        }),
      );
    command.command("ls").alias("list").description("List plans").action(does(list));
    command
      .command("show")
      .description("Show a plan with all that was considered")
      .argument("<plan>", "a plan's name")
      .action(
        does(async (cli, id: string) => {
          const plan = await (await cli.client()).plan(id);
          return { type: "text", value: plan, text: (out) => planText(plan, out, true) };
        }),
      );
    command
      .command("decline")
      .description("Decline a plan")
      .argument("<plan>", "a plan's name")
      .action(
        does(async (cli, id: string) => {
          const plan = await (await cli.client()).declinePlan(id);
          return { type: "done", value: plan, message: `The plan ${plan.id} is declined.` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const { items } = await (await cli.client()).plans({ limit: listed });
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows: items,
    empty: "There is no plan yet. Make one: canopy plan job.ts --deadline 20m",
    columns: [
      column<PlanView>("plan", ({ id }) => id),
      column<PlanView>("title", ({ title }) => title, { flexible: true }),
      column<PlanView>("phase", ({ phase }) => phase),
      column<PlanView>(
        "done in",
        ({ predicted, fleet }) => (fleet ? "" : briefDuration(predicted.finishMs.high)),
        { align: "right" },
      ),
      column<PlanView>(
        "cost",
        ({ predicted, currency }) => moneyOf(predicted.cost?.high, currency),
        { align: "right" },
      ),
      column<PlanView>("job", ({ job }) => job ?? ""),
      column<PlanView>("made", ({ madeAt }) => agoOf(madeAt, nowMs), { align: "right" }),
    ],
  };
}
