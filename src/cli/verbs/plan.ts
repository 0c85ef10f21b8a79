import type { PlanView } from "#/model/plan-views.ts";
import { briefDuration } from "#/model/units.ts";
import { planText } from "../plan/text.ts";
import { column } from "../result.ts";
import type { Verb } from "../verb.ts";
import { agoOf, moneyOf } from "../words.ts";

const listed = 20;

export const verb: Verb = {
  define(command, does) {
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List plans")
      .action(
        does(async (cli) => {
          const { items } = await (await cli.client()).plans({ limit: listed });
          const nowMs = cli.terminal.world.clock.now();
          return {
            type: "table",
            rows: items,
            empty: "There is no plan yet. Make one: canopy run --deadline 20m --plan job.ts",
            columns: [
              column<PlanView>("plan", ({ id }) => id),
              column<PlanView>("title", ({ title }) => title, { flexible: true }),
              column<PlanView>("phase", ({ phase }) => phase),
              column<PlanView>(
                "done in",
                ({ predicted }) => briefDuration(predicted.finishMs.high),
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
        }),
      );
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
