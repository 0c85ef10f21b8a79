import type { Command } from "commander";
import { breakeven, waysToRun, type Way } from "#/model/instances-or-functions.ts";
import { briefDuration } from "#/model/units.ts";
import { durationOption, parseAmount, parseCount } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Does } from "../verb.ts";
import { countOf } from "../words.ts";

/** Questions about prices, all in one currency, that need no cloud. */
export function defineQuestions(command: Command, does: Does): void {
  withPrices(command.command("breakeven"))
    .description("From how much use on an instance costs less than functions")
    .option("--hours <count>", "hours that the instance is paid for", parseAmount, 730)
    .addHelpText(
      "after",
      "\nExample:\n  canopy cost breakeven --per-hour 0.272 --per-gb-second 0.00001667 --memory-gb 7",
    )
    .action(does(async ({ options }) => breakevenResult(options as unknown as BreakevenOptions)));
  withPrices(command.command("compare"))
    .description("The fastest and the cheapest way to do many equal runs")
    .requiredOption("--runs <count>", "how many", parseCount)
    .requiredOption("--run-time <duration>", "of one run on one CPU", durationOption)
    .option("--cpus <count>", "runs at once on an instance", parseCount, 1)
    .option("--boot-time <duration>", "until an instance begins", durationOption, 0)
    .option("--billed <duration>", "instances are billed in multiples of it", durationOption, 1000)
    .option("--instances-max <count>", "how many may be had", parseCount)
    .option("--start-time <duration>", "until a function begins", durationOption, 0)
    .option("--concurrency-max <count>", "functions at once", parseCount)
    .addHelpText(
      "after",
      "\nExample:\n  canopy cost compare --runs 2500 --run-time 1m --per-hour 0.272 --cpus 4 --boot-time 300s" +
        " \\\n    --billed 1h --per-gb-second 0.00001667 --memory-gb 7",
    )
    .action(does(async ({ options }) => compareResult(options as unknown as CompareOptions)));
}

interface PriceOptions {
  perHour: number;
  perGbSecond: number;
  memoryGb: number;
}

type BreakevenOptions = PriceOptions & { hours: number };

/** Times in milliseconds. */
interface CompareOptions extends PriceOptions {
  runs: number;
  runTime: number;
  cpus: number;
  bootTime: number;
  billed: number;
  instancesMax?: number;
  startTime: number;
  concurrencyMax?: number;
}

function withPrices(command: Command): Command {
  return command
    .requiredOption("--per-hour <money>", "price of an instance for an hour", parseAmount)
    .requiredOption("--per-gb-second <money>", "price of functions by GB and second", parseAmount)
    .requiredOption(
      "--memory-gb <count>",
      "memory of a function, in the GB of that price",
      parseAmount,
    );
}

function breakevenResult({ perHour, hours, ...functionPrice }: BreakevenOptions): Result {
  const { instanceCost, seconds } = breakeven({ perHour, hours }, functionPrice);
  const minutes = Math.floor(seconds / 60);
  const functionHours = Number((seconds / 3600).toFixed(3));
  return {
    type: "record",
    value: {
      instanceCost: Number(instanceCost.toFixed(6)),
      seconds,
      minutes,
      hours: functionHours,
    },
    fields: [
      { title: "instance", value: moneyText(instanceCost) },
      { title: "breakeven", value: `${countOf(seconds)} s of functions` },
      { title: "that is", value: `${countOf(minutes)} min, or ${functionHours} h` },
      { title: "so", value: "with less use functions cost less, with more the instance" },
    ],
  };
}

function compareResult(options: CompareOptions): Result {
  const { perHour, perGbSecond, memoryGb, cpus, instancesMax, concurrencyMax } = options;
  const ways = waysToRun(
    { count: options.runs, seconds: options.runTime / 1000 },
    {
      perHour,
      cpus,
      bootSeconds: options.bootTime / 1000,
      billedSeconds: options.billed / 1000,
      ...(instancesMax !== undefined && { countMax: instancesMax }),
    },
    {
      perGbSecond,
      memoryGb,
      startSeconds: options.startTime / 1000,
      ...(concurrencyMax !== undefined && { concurrencyMax }),
    },
  );
  const rows = ways.map((way, index) => ({ ...way, best: bestOf(index, ways.length) }));
  type Row = (typeof rows)[number];
  return {
    type: "table",
    rows,
    columns: [
      column<Row>("best", ({ best }) => best.join(", ")),
      column<Way>("on", ({ kind }) => kind),
      column<Way>("count", ({ count }) => countOf(count), { align: "right" }),
      column<Way>("time", ({ seconds }) => briefDuration(seconds * 1000), { align: "right" }),
      column<Way>("cost", ({ cost }) => moneyText(cost), { align: "right" }),
    ],
    empty: "There is no way.",
    note: "Left out is what another way beats in both time and money.",
  };
}

function bestOf(index: number, count: number): ("fastest" | "cheapest")[] {
  return [
    ...(index === 0 ? (["fastest"] as const) : []),
    ...(index === count - 1 ? (["cheapest"] as const) : []),
  ];
}

function moneyText(amount: number): string {
  return amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
