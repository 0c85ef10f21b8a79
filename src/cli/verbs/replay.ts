import { InvalidArgumentError } from "commander";
import type { BandView, ReplayView } from "#/model/forecast-views.ts";
import { schedulingPolicies, type SchedulingPolicy } from "#/model/scheduling-policy.ts";
import { briefDuration } from "#/model/units.ts";
import { durationOption } from "../count.ts";
import { column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";
import type { Verb } from "../verb.ts";
import { countOf, moneyOf } from "../words.ts";

const lastMsDefault = 7 * 24 * 3_600_000;

export const verb: Verb = {
  define(command, does) {
    command
      .option(
        "--policy <policy>",
        `${schedulingPolicies.join(", ")}; give it several times to compare`,
        policyOption,
        [],
      )
      .option("--last <duration>", "what was submitted within this; 7d when absent", durationOption)
      .addHelpText(
        "after",
        "\nExample:\n  canopy replay --policy as-it-is --policy shortest-first --last 7d",
      )
      .action(
        does(async (cli) => {
          const { policy, last = lastMsDefault } = cli.options as {
            policy?: SchedulingPolicy[];
            last?: number;
          };
          const policies = policy && policy.length > 0 ? policy : [...schedulingPolicies];
          const found = await (await cli.client()).replay({ policies, lastMs: last });
          return { type: "text", value: found, text: (out) => replayed(found, out) };
        }),
      );
  },
};

function policyOption(word: string, all: SchedulingPolicy[]): SchedulingPolicy[] {
  const found = schedulingPolicies.find((name) => name === word);
  if (!found) throw new InvalidArgumentError(`It must be one of ${schedulingPolicies.join(", ")}.`);
  return [...all, found];
}

type Row = ReplayView["replays"][number];

function replayed({ replays, currency, leftOut, tookMs, isCutShort }: ReplayView, out: Output) {
  if (replays.length === 0) return "No job that succeeded was submitted in that time.\n";
  const band = ({ p50, p90 }: BandView<number>, mean: number) =>
    `${briefDuration(mean)} (half ${briefDuration(p50)}, a tenth over ${briefDuration(p90)})`;
  const columns = [
    column<Row>("policy", (row) => row.policy),
    column<Row>("jobs", ({ jobs }) => countOf(jobs), { align: "right" }),
    column<Row>("waited in the mean", ({ waitMs, meanWaitMs }) => band(waitMs, meanWaitMs)),
    column<Row>("until its end", (row) => band(row.responseMs, row.meanResponseMs)),
    column<Row>("all in", ({ makespanMs }) => briefDuration(makespanMs), { align: "right" }),
    column<Row>("jobs cost", ({ cost }) => moneyOf(cost, currency), { align: "right" }),
    column<Row>("machines cost", (row) => moneyOf(row.machinesCost, currency), { align: "right" }),
  ];
  const table = tableText(replays, columns, out);
  if (!out.isTty) return table;
  const foot = [
    `on the machines that there are now, in ${briefDuration(tookMs)}`,
    ...(leftOut > 0 ? [`${countOf(leftOut)} jobs left out, as they did not succeed or grew`] : []),
    ...(isCutShort ? ["cut short"] : []),
  ];
  return `${table}\n${out.paint("dim", foot.join(" · "))}\n`;
}
