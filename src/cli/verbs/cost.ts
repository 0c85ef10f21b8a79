import type { CostView } from "#/model/views.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { durationOption } from "../count.ts";
import { energyResult, projectCostResult } from "../cost/energy.ts";
import { defineQuestions } from "../cost/questions.ts";
import { column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";
import type { Verb } from "../verb.ts";
import { briefEnergyOf, briefGramsOf, co2Of, countOf, energyOf, moneyOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("job", { isDefault: true })
      .description("What a job used, cost and drew")
      .argument("<job>", "a job's name")
      .action(
        does(async (cli, job: string) => {
          const cost = await (await cli.client()).cost(job);
          return { type: "text", value: cost, text: (out) => costText(cost, out) };
        }),
      );
    command
      .command("project")
      .description("What a project's jobs used, cost, drew and emitted")
      .argument("[project]", "your own when absent")
      .option(
        "--last <duration>",
        "of jobs submitted in that time, 30d when absent",
        durationOption,
      )
      .action(
        does(async (cli, name: string | undefined) => {
          const client = await cli.client();
          const project = name ?? (await client.status()).project;
          const { last } = cli.options as { last?: number };
          return projectCostResult(await client.costOfProject(project, last));
        }),
      );
    command
      .command("energy")
      .description("What the machines draw as work is placed, spread and packed")
      .action(does(async (cli) => energyResult(await (await cli.client()).energy())));
    defineQuestions(command, does);
  },
};

function costText(cost: CostView, out: Output): string {
  type Kind = CostView["kinds"][number];
  const columns = [
    column<Kind>("kind", ({ title }) => title, { flexible: true }),
    column<Kind>("tasks", ({ tasks }) => countOf(tasks), { align: "right" }),
    column<Kind>("cpu", ({ usage }) => briefDuration(usage.cpuMs), { align: "right" }),
    column<Kind>("wall", ({ usage }) => briefDuration(usage.wallMs), { align: "right" }),
    column<Kind>("memory", ({ usage }) => briefSize(usage.memoryPeakBytes), { align: "right" }),
    column<Kind>("energy", briefEnergyOf, { align: "right" }),
    column<Kind>("CO2", briefGramsOf, { align: "right" }),
    column<Kind>("spent", ({ spent }) => moneyOf(spent, cost.currency), { align: "right" }),
  ];
  const total = [
    `spent ${out.paint("bold", moneyOf(cost.spent, cost.currency))}`,
    ...(cost.projected === undefined
      ? []
      : [`${moneyOf(cost.projected, cost.currency)} at its end`]),
    ...(cost.bought === undefined
      ? []
      : [`${moneyOf(cost.bought, cost.currency)} of it for machines bought`]),
    ...(cost.budget === undefined ? [] : [`budget ${moneyOf(cost.budget, cost.currency)}`]),
    `${briefDuration(cost.usage.cpuMs)} CPU`,
    energyOf(cost.usage),
    co2Of(cost.usage),
  ];
  if (!out.isTty) return tableText(cost.kinds, columns, out);
  return `${tableText(cost.kinds, columns, out)}\n${cost.job}: ${total.join(" · ")}\n`;
}
