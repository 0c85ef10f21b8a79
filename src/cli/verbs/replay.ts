import type { BandView, ReplayView, TriedPolicyInput } from "#/model/forecast-views.ts";
import { schedulingPolicies } from "#/model/scheduling-policy.ts";
import { briefDuration, briefEnergy, briefGrams } from "#/model/units.ts";
import { durationOption } from "../count.ts";
import { policyHelp, triedPolicy } from "../forecast/policy.ts";
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
        `${policyHelp} as every project's; give it several times to compare`,
        (word, all: string[]) => [...all, word],
        [],
      )
      .option("--last <duration>", "what was submitted within this; 7d when absent", durationOption)
      .addHelpText(
        "after",
        "\nExample:\n  canopy replay --policy as-it-is --policy cheap --policy policy.yaml --last 7d",
      )
      .action(
        does(async (cli) => {
          const { policy, last = lastMsDefault } = cli.options as {
            policy?: string[];
            last?: number;
          };
          const words = policy && policy.length > 0 ? policy : schedulingPolicies;
          const policies: TriedPolicyInput[] = [];
          for (const word of words) policies.push(await triedPolicy(cli, word));
          const found = await (await cli.client()).replay({ policies, lastMs: last });
          return { type: "text", value: found, text: (out) => replayed(found, out) };
        }),
      );
  },
};

const right = { align: "right" } as const;

const knownOf = (amount: number | undefined, brief: (amount: number) => string) =>
  amount === undefined ? "unknown" : brief(amount);

type Row = ReplayView["replays"][number];

function replayed({ replays, currency, leftOut, tookMs, isCutShort }: ReplayView, out: Output) {
  if (replays.length === 0) return "No job that succeeded was submitted in that time.\n";
  const band = ({ p50, p90 }: BandView<number>, mean: number) =>
    `${briefDuration(mean)} (half ${briefDuration(p50)}, a tenth over ${briefDuration(p90)})`;
  const columns = [
    column<Row>("policy", (row) => row.policy),
    column<Row>("jobs", ({ jobs }) => countOf(jobs), right),
    column<Row>("waited in the mean", ({ waitMs, meanWaitMs }) => band(waitMs, meanWaitMs)),
    column<Row>("until its end", (row) => band(row.responseMs, row.meanResponseMs)),
    column<Row>("all in", ({ makespanMs }) => briefDuration(makespanMs), right),
    column<Row>("jobs cost", ({ cost }) => moneyOf(cost, currency), right),
    column<Row>("energy", ({ energyJoules }) => knownOf(energyJoules, briefEnergy), right),
    column<Row>("CO2", ({ grams }) => knownOf(grams, briefGrams), right),
    column<Row>("machines cost", (row) => moneyOf(row.machinesCost, currency), right),
    ...(replays.some(({ bought }) => bought > 0)
      ? [column<Row>("bought", ({ bought }) => countOf(bought), right)]
      : []),
    ...(replays.some(({ deadlines }) => deadlines > 0)
      ? [column<Row>("missed", ({ missed, deadlines }) => `${missed} of ${deadlines}`, right)]
      : []),
  ];
  const table = tableText(replays, columns, out);
  if (!out.isTty) return table;
  const foot = [
    `on the machines that there are now beside those that were bought, in ${briefDuration(tookMs)}`,
    ...(leftOut > 0 ? [`${countOf(leftOut)} jobs left out, as they did not succeed or grew`] : []),
    ...(isCutShort ? ["cut short"] : []),
  ];
  return `${table}\n${out.paint("dim", foot.join(" · "))}\n`;
}
