import { resolve } from "node:path";
import type { JobRequestInput } from "#/model/job-request.ts";
import type { JobView } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import { followed } from "../follow.ts";
import { progressOption } from "../progress-mode.ts";
import { defineJobOptions, type RunOptions } from "../run/options.ts";
import { jobSourceOf } from "../run/job-source.ts";
import { requestOf } from "../run/request.ts";
import type { Cli, Done, Verb } from "../verb.ts";
import { goalOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .usage("[options] <file> [args...] | [options] -- <program> [args...]")
      .argument(
        "[what]",
        "a module (job.ts, job.ts:name), a job file (job.yaml) or a recorded workflow (WfCommons JSON)",
      )
      .argument("[args...]", "arguments of the module's function; those after -- too")
      .option("-d, --detach", "do not follow it")
      .option("--logs", "print what all of its tasks print")
      .addOption(progressOption());
    defineJobOptions(command)
      .optionsGroup("Promises:")
      .option("-y, --yes", "do not ask")
      .optionsGroup("Programs:")
      .option("--into <folder>", "where to put fetched files, here when absent")
      .addHelpText(
        "after",
        "\nExamples:\n  canopy run -- echo hi\n  canopy run --each urls.txt -- curl -sO {}\n  canopy run --sweep n=1..100 --output out.csv -- ./sim {n}\n  canopy run --gang 8 -- ./solver\n  canopy run job.ts 10\n  canopy run job.ts:main --args '[10]'\n  canopy run job.yaml\n  canopy run --scale 0.01 montage.json",
      )
      .action(
        does(async (cli, what: string | undefined, args: string[]) => {
          const options = cli.options as RunOptions;
          const source = await jobSourceOf(cli, what === undefined ? [] : [what, ...args]);
          const client = await cli.client();
          const request = await requestOf(client, source, options, cli.terminal);
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
  const { approved, inputOf, isPlanned } = await import("../run/planned.ts");
  if (!isPlanned(options)) {
    const job = await client.submitJob(request);
    const { err } = cli.terminal;
    if (job.goal)
      err.write(
        `${err.paint("dim", "by the project's policy")} ${goalOf(job.goal, cli.terminal.world.clock.now())}\n`,
      );
    return { job };
  }
  const plan = await client.makePlan(inputOf(request, options));
  const job = await approved(client, plan, cli.terminal, options.yes);
  return job ? { job } : { instead: { type: "done", value: plan, message: "Nothing was done." } };
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
