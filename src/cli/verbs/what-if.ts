import { InvalidArgumentError } from "commander";
import type { WhatIfInput, WhatIfView } from "#/model/forecast-views.ts";
import { parseSize } from "#/model/units.ts";
import { durationOption, parseCount } from "../count.ts";
import { policyHelp, triedPolicy } from "../forecast/policy.ts";
import { allEndOf, cutNoteOf, endOf, moneyBandOf } from "../forecast/words.ts";
import { column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";
import type { Verb } from "../verb.ts";

type Added = NonNullable<WhatIfInput["add"]>[number];

export const verb: Verb = {
  define(command, does) {
    command
      .argument("[job]", "only this job")
      .option(
        "--add <machines>",
        "4xNAME: of an offer, like a machine, or of a site; 4x8cpu32gib: of that size",
        adding,
        [],
      )
      .option("--boot-time <duration>", "what is added takes tasks after that", durationOption)
      .option(
        "--remove <machine>",
        "without this machine",
        (name, all: string[]) => [...all, name],
        [],
      )
      .option(
        "--policy <policy>",
        `which work goes first, where, and what is bought: ${policyHelp} instead of the project's`,
      )
      .option("--forks <count>", "run so many forks of each", parseCount)
      .addHelpText(
        "after",
        "\nExamples:\n  canopy what-if --add 4xlab --policy cheap\n  canopy what-if --add 2x16cpu64gib --boot-time 2m\n  canopy what-if --remove build-3 --policy shortest-first\n  canopy what-if --policy policy.yaml",
      )
      .action(
        does(async (cli, job: string | undefined) => {
          const { add, remove, policy, forks, bootTime } = cli.options as unknown as Asked;
          const found = await (
            await cli.client()
          ).whatIf({
            add: add.map((one) => (bootTime === undefined ? one : { ...one, bootMs: bootTime })),
            remove,
            ...(policy !== undefined && { policy: await triedPolicy(cli, policy) }),
            ...(forks !== undefined && { forks }),
            ...(job !== undefined && { job }),
          });
          const note = cutNoteOf(found.without) ?? cutNoteOf(found.with);
          return { type: "text", value: found, note, text: (out) => compared(found, out) };
        }),
      );
  },
};

interface Asked {
  add: Added[];
  remove: string[];
  policy?: string;
  forks?: number;
  bootTime?: number;
}

/** "4xlab", "lab", "4x8cpu32gib". */
function adding(word: string, all: Added[]): Added[] {
  const [, number = "1", what = ""] = /^(?:(\d+)x)?(.+)$/.exec(word) ?? [];
  const count = Number(number);
  if (count < 1) throw new InvalidArgumentError("It must be at least one machine.");
  const [, cpus, memory] = /^(\d+(?:\.\d+)?)cpu(\d.*)$/i.exec(what) ?? [];
  if (cpus === undefined || memory === undefined) return [...all, { count, like: what }];
  try {
    return [...all, { count, cpus: Number(cpus), memoryBytes: parseSize(memory) }];
  } catch {
    throw new InvalidArgumentError("A size is written like 8cpu32gib.");
  }
}

interface Row {
  what: string;
  without: string;
  with: string;
}

function compared({ without, with: after }: WhatIfView, out: Output): string {
  const byJob = new Map(after.jobs.map((job) => [job.job, job]));
  const { currency } = without;
  const rows: Row[] = without.jobs.flatMap((job) => {
    const other = byJob.get(job.job);
    return [
      {
        what: `${job.job} ends in`,
        without: endOf(job, without.at),
        with: endOf(other, after.at),
      },
      {
        what: `${job.job} costs`,
        without: moneyBandOf(job.cost, currency),
        with: moneyBandOf(other?.cost, currency),
      },
    ];
  });
  rows.push(
    {
      what: "all end in",
      without: allEndOf(without),
      with: allEndOf(after),
    },
    {
      what: "machines cost until then",
      without: moneyBandOf(without.machinesCost, currency),
      with: moneyBandOf(after.machinesCost, currency),
    },
  );
  if (without.machinesBought || after.machinesBought)
    rows.push({
      what: "machines bought for it",
      without: countsOf(without.machinesBought),
      with: countsOf(after.machinesBought),
    });
  const columns = [
    column<Row>("", ({ what }) => what),
    column<Row>("as it is", (row) => row.without),
    column<Row>("what if", (row) => row.with),
  ];
  return tableText(rows, columns, out);
}

/** "3", "2 (0 to 3)". */
function countsOf(band: WhatIfView["with"]["machinesBought"]): string {
  if (!band) return "";
  const { p10, p50, p90 } = band;
  return p10 === p90 ? `${p50}` : `${p50} (${p10} to ${p90})`;
}
