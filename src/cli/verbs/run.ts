import { resolve } from "node:path";
import { Option } from "commander";
import type { JobRequestInput } from "#/model/job-request.ts";
import type { JobView } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import { durationOption, parseNumber, sizeOption } from "../count.ts";
import { followed } from "../follow.ts";
import { progressOption } from "../progress-mode.ts";
import type { RunOptions } from "../run/options.ts";
import { jobSourceOf, type JobSource } from "../run/job-source.ts";
import type { Output } from "../terminal.ts";
import type { Cli, Done, Verb } from "../verb.ts";
import { many } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .usage("[options] <file> [args...] | [options] -- <program> [args...]")
      .argument(
        "[what]",
        "a module (job.ts, job.ts:name), a job file (job.yaml) or a recorded workflow (WfCommons JSON)",
      )
      .argument("[args...]", "arguments of the module's function; those after -- too")
      .option("--name <title>", "what people see it as")
      .option("-d, --detach", "do not follow it")
      .option("--logs", "print what all of its tasks print")
      .addOption(progressOption())
      .option(
        "--priority <number>",
        "-100 to 100; a higher one goes first within its project",
        parseNumber,
      )
      .option("--cpus <number>", "CPUs that each task needs, 1 when absent", parseNumber)
      .option("--memory <size>", "memory that each task needs, as in 512MiB", sizeOption)
      .option("--timeout <duration>", "end an attempt after this, as in 90s or 10m", durationOption)
      .option(
        "--retries <count>",
        "failed attempts that are tried again, 2 when absent",
        parseNumber,
      )
      .option(
        "--label <name=value>",
        "run only on machines with this label (may be repeated)",
        many,
      )
      .option("--keep-going", "a task that fails for good does not end the others")
      .option("--reuse", "take results of earlier runs of the same content")
      .optionsGroup("Promises:")
      .option(
        "--deadline <duration>",
        "be done by then, as in 20m: machines are bought for it",
        durationOption,
      )
      .option("--budget <money>", "never spend more than this, as in 3USD")
      .addOption(
        new Option("--objective <what>", "what is made small where that leaves a choice").choices([
          "cost",
          "time",
          "carbon",
        ]),
      )
      .option(
        "--expect <time>",
        "how long a task takes (30s), or how many take how long (200x30s), where nothing is known",
      )
      .option("--plan", "only plan it; canopy approve goes on")
      .option("-y, --yes", "do not ask")
      .optionsGroup("Programs:")
      .option("--each <file>", "one task per line of a file (- for stdin); {} stands for the line")
      .option(
        "--sweep <name=values>",
        "one task per combination: n=1..10, rate=0..1..0.25, method=a,b; {n} stands for it",
        many,
      )
      .option("--input <file[:path]>", "send a file along (may be repeated)", many)
      .option("--output <path>", "fetch a file that it makes (may be repeated)", many)
      .option("--into <folder>", "where to put fetched files, here when absent")
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
      )
      .addHelpText(
        "after",
        "\nExamples:\n  canopy run -- echo hi\n  canopy run --each urls.txt -- curl -sO {}\n  canopy run --sweep n=1..100 --output out.csv -- ./sim {n}\n  canopy run job.ts 10\n  canopy run job.ts:main --args '[10]'\n  canopy run job.yaml\n  canopy run --scale 0.01 montage.json",
      )
      .action(
        does(async (cli, what: string | undefined, args: string[]) => {
          const options = cli.options as RunOptions;
          const source = await jobSourceOf(cli, what === undefined ? [] : [what, ...args]);
          const client = await cli.client();
          const request = await requestOf(cli, client, source, options);
          const { job, instead } = await submitted(cli, client, request, options);
          if (!job) return instead;
          if (options.detach) {
            return {
              type: "text",
              value: job,
              text: (out) =>
                out.isTty
                  ? `${job.id} (${job.title}) runs. Follow it with: canopy follow ${job.id}\n`
                  : `${job.id}\n`,
            };
          }
          const done = await followed(cli, client, job, { logs: options.logs ? "all" : "main" });
          return options.output ? await withOutputs(cli, client, job, done, options) : done;
        }),
      );
  },
};

/** Submits at once, or by a plan that somebody approves. Gives what to print where no job came of it. */
async function submitted(
  cli: Cli,
  client: Client,
  request: JobRequestInput,
  options: RunOptions,
): Promise<{ job: JobView; instead?: never } | { job?: never; instead: Done }> {
  const { approved, isPlanned, planOf } = await import("../run/planned.ts");
  if (!isPlanned(options)) return { job: await client.submitJob(request) };
  const plan = await planOf(client, request, options);
  if (options.plan) {
    const { planText } = await import("../plan/text.ts");
    const next = `Go on with: canopy approve ${plan.id}`;
    const text = (out: Output) => `${planText(plan, out, true)}${next}\n`;
    return { instead: { type: "text", value: plan, text } };
  }
  const job = await approved(client, plan, cli.terminal, options.yes);
  return job ? { job } : { instead: { type: "done", value: plan, message: "Nothing was done." } };
}

async function requestOf(cli: Cli, client: Client, source: JobSource, options: RunOptions) {
  switch (source.type) {
    case "program":
      return (await import("../run/program-request.ts")).programRequest(
        client,
        source.command,
        options,
        cli.terminal,
      );
    case "module":
      return (await import("../run/module-request.ts")).moduleRequest(
        client,
        source,
        options,
        cli.terminal,
      );
    case "file":
      return (await import("../run/file-request.ts")).fileRequest(
        client,
        source,
        options,
        cli.terminal,
      );
  }
}

/** Fetches the files that a finished job made. */
async function withOutputs(
  { terminal }: Cli,
  client: Client,
  job: JobView,
  done: Done,
  { into = "." }: RunOptions,
): Promise<Done> {
  if (!done || !("exitCode" in done) || done.exitCode !== 0) return done;
  const { fetchOutputs } = await import("../run/outputs.ts");
  const fetched = await fetchOutputs(
    client,
    job.id,
    resolve(terminal.world.folder, into),
    terminal.world,
  );
  for (const { file } of fetched)
    terminal.err.write(`${terminal.err.paint("dim", "fetched")} ${file}\n`);
  return done;
}
