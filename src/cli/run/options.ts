import type { Command } from "commander";
import { parseObjective, type ObjectiveInput } from "#/model/objective-views.ts";
import { durationOption, parseNumber, sizeOption } from "../count.ts";
import { many } from "../words.ts";

/** Options of `canopy run`, as commander reads them. */
export interface RunOptions {
  name?: string;
  priority?: number;
  detach?: boolean;
  logs?: boolean;
  cpus?: number;
  memory?: number;
  timeout?: number;
  retries?: number;
  label?: string[];
  site?: string[];
  reuse?: boolean;
  speculate?: boolean;
  keepGoing?: boolean;
  each?: string;
  sweep?: string[];
  gang?: number;
  input?: string[];
  output?: string[];
  into?: string;
  env?: string[];
  args?: string;
  scale?: number;
  sizeScale?: number;
  deadline?: number;
  budget?: string;
  objective?: ObjectiveInput;
  expect?: string;
  yes?: boolean;
}

/** The options that say what the job is, and what it is to keep. */
export function defineJobOptions(command: Command): Command {
  return command
    .option("--name <title>", "what people see it as")
    .option(
      "--priority <number>",
      "-100 to 100; a higher one goes first within its project",
      parseNumber,
    )
    .option("--cpus <number>", "CPUs that each task needs, 1 when absent", parseNumber)
    .option("--memory <size>", "memory that each task needs, as in 512MiB", sizeOption)
    .option("--timeout <duration>", "end an attempt after this, as in 90s or 10m", durationOption)
    .option("--retries <count>", "failed attempts that are tried again, 2 when absent", parseNumber)
    .option("--label <name=value>", "run only on machines with this label (may be repeated)", many)
    .option("--site <name>", "run only on machines of this site (may be repeated)", many)
    .option("--keep-going", "a task that fails for good does not end the others")
    .option("--reuse", "take results of earlier runs of the same content")
    .option("--no-speculate", "no second attempt beside a slow one: it may not run twice at once")
    .optionsGroup("Promises:")
    .option(
      "--deadline <duration>",
      "be done by then, as in 20m: machines are bought for it",
      durationOption,
    )
    .option("--budget <money>", "never spend more than this, as in 3USD")
    .option(
      "--objective <what>",
      "what is made small where that leaves a choice: cost, time, carbon, or hour=2USD,kilogram=0.10USD",
      parseObjective,
    )
    .option(
      "--expect <time>",
      "how long a task takes (30s), or how many take how long (200x30s), where nothing is known",
    )
    .optionsGroup("Programs:")
    .option("--each <file>", "one task per line of a file (- for stdin); {} stands for the line")
    .option(
      "--sweep <name=values>",
      "one task per combination: n=1..10, rate=0..1..0.25, method=a,b; {n} stands for it",
      many,
    )
    .option(
      "--gang <count>",
      "so many tasks that run all at once or not at all, and know each other; {} is the rank",
      parseNumber,
    )
    .option("--input <file[:path]>", "send a file along (may be repeated)", many)
    .option("--output <path>", "fetch a file that it makes (may be repeated)", many)
    .option(
      "--env <NAME[=value]>",
      "set a variable, or pass on the one here (may be repeated)",
      many,
    )
    .optionsGroup("Modules and workflows:")
    .option("--args <json>", "arguments as a JSON array, where strings will not do")
    .option(
      "--scale <number>",
      "a recorded workflow's run times and sizes are multiplied by this",
      parseNumber,
    )
    .option(
      "--size-scale <number>",
      "its files' sizes are multiplied by this instead",
      parseNumber,
    );
}
