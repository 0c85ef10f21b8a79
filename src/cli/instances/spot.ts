import type { Command } from "commander";
import type { SpotAdviceView, SpotPriceView } from "#/model/instance-views.ts";
import { parseDuration } from "#/model/units.ts";
import { allOf } from "#/sdk/client.ts";
import { parseCount } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Does } from "../verb.ts";
import { instanceCalls } from "./find.ts";

export function defineSpot(command: Command, does: Does): void {
  command
    .command("spot-prices")
    .description("What spot instances have cost, the newest first")
    .argument("[type]", "of this type alone")
    .option("--zone <zone>", "in this zone")
    .option("--since <duration>", "from so long ago on: 12h, 30d")
    .option("--limit <count>", "so many", parseCount, 50)
    .action(does((cli, type?: string) => prices(cli, type)));
  command
    .command("spot-advisor")
    .description(
      "How often spot instances of each type are taken away, and how much less they cost",
    )
    .action(
      does(async (cli) => {
        const { items } = await (await instanceCalls(cli)).spotAdvice();
        return { type: "table", rows: items, columns: adviceColumns, empty: "There are no types." };
      }),
    );
}

async function prices(cli: Cli, type: string | undefined): Promise<Result> {
  const { zone, since, limit } = cli.options as { zone?: string; since?: string; limit: number };
  const calls = await instanceCalls(cli);
  const now = cli.terminal.world.clock.now();
  const asked = {
    ...(type !== undefined && { type }),
    ...(zone !== undefined && { zone }),
    ...(since !== undefined && { from: new Date(now - parseDuration(since)).toISOString() }),
  };
  const rows: SpotPriceView[] = [];
  for await (const one of allOf((page) => calls.spotPrices({ ...asked, ...page })))
    if (rows.push(one) >= limit) break;
  return {
    type: "table",
    rows,
    columns: [
      column<SpotPriceView>("since", (one) => one.since),
      column<SpotPriceView>("type", (one) => one.type),
      column<SpotPriceView>("zone", (one) => one.zone),
      column<SpotPriceView>("per hour", ({ perHour }) => perHour, { align: "right" }),
    ],
    empty: "No prices are known of that time.",
  };
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

const adviceColumns = [
  column<SpotAdviceView>("type", ({ type }) => type),
  column<SpotAdviceView>("taken away", ({ range }) => range),
  column<SpotAdviceView>("known", ({ begun, taken, frequency }) =>
    frequency
      ? `${taken} of ${begun}: ${percent(frequency.low)} to ${percent(frequency.high)}`
      : `${taken} of ${begun} in 30 days: too few`,
  ),
  column<SpotAdviceView>("saves", ({ savingShare }) =>
    savingShare === undefined ? "unknown" : percent(savingShare),
  ),
  column<SpotAdviceView>("on demand", ({ onDemandPerHour }) => onDemandPerHour, { align: "right" }),
];
