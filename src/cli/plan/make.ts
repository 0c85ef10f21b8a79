import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { PlanView } from "#/model/plan-views.ts";
import { jobSourceOf } from "../run/job-source.ts";
import type { RunOptions } from "../run/options.ts";
import { inputOf } from "../run/planned.ts";
import { requestOf } from "../run/request.ts";
import type { Result } from "../result.ts";
import type { Output } from "../terminal.ts";
import { planChangedExit, type Cli, type Done } from "../verb.ts";
import { differencesOf } from "./differences.ts";
import { isPlanFile, readPlanFile, writePlanFile } from "./file.ts";
import { changedSources, SourceWatch } from "./sources.ts";
import { planText } from "./text.ts";

/** Plans a job, and keeps the plan in a file where one is named. */
export async function makePlan(
  cli: Cli,
  words: readonly string[],
  options: RunOptions & { out?: string },
): Promise<Result> {
  const watch = new SourceWatch(cli.terminal);
  const source = await jobSourceOf({ ...cli, terminal: watch.terminal }, words);
  const client = await cli.client();
  const request = await requestOf(client, source, options, watch.terminal, (files) =>
    watch.note(files),
  );
  const input = inputOf(request, options);
  const plan = await client.makePlan(input);
  const { out } = options;
  if (out !== undefined)
    await writePlanFile(out, { plan, input, sources: await watch.hashes() }, cli.terminal.world);
  return shown(plan, out === undefined ? `canopy approve ${plan.id}` : `canopy apply ${out}`);
}

function shown(plan: PlanView, next: string, differences: readonly string[] = []): Result {
  const text = (out: Output) => {
    const changed = differences.map((one) => `${out.paint("yellow", "~")} ${one}\n`).join("");
    return `${planText(plan, out, true)}${changed}Go on with: ${next}\n`;
  };
  return { type: "text", value: plan, text };
}

/** Whether the one word names a file that holds a plan. */
export async function holdsPlan({ terminal }: Cli, words: readonly string[]): Promise<boolean> {
  const [file, ...more] = words;
  if (file === undefined || more.length > 0 || !file.endsWith(".json")) return false;
  const { files, folder } = terminal.world;
  const head = await files.read(resolve(folder, file), { offset: 0, length: headBytes });
  return head !== undefined && isPlanFile(Buffer.from(head).toString());
}

const headBytes = 100;

/** Plans again what a kept plan is of, and says what would be another plan now: that has an exit code of its own. */
export async function planAgain(cli: Cli, file: string, out: string | undefined): Promise<Done> {
  const { world } = cli.terminal;
  const { plan: before, input, sources } = await readPlanFile(file, world);
  const client = await cli.client();
  const plan = await client.makePlan(input);
  const differences = [
    ...(await changedSources(sources, world)).map(
      (name) => `${name} has changed since; the plan is of what it was`,
    ),
    ...differencesOf(before, plan),
  ];
  if (out !== undefined) await writePlanFile(out, { plan, input, sources }, world);
  if (differences.length === 0) {
    const message = `The plan in ${file} is what would be planned now. Go on with: canopy apply ${file}`;
    return { type: "done", value: { ...plan, differences }, message };
  }
  const result = shown(plan, `canopy approve ${plan.id}`, differences);
  return {
    result: { ...result, value: { ...plan, differences } } as Result,
    exitCode: planChangedExit,
  };
}

/** Throws "conflict" where files that a plan was made of are not what they were. */
export async function requireSources(
  cli: Cli,
  file: string,
  sources: Readonly<Record<string, string>>,
): Promise<void> {
  const changed = await changedSources(sources, cli.terminal.world);
  if (changed.length === 0) return;
  throw new CanopyError(
    "conflict",
    `Cannot apply ${file} as what it was planned of must be as it was: ${changed.join(", ")} ${changed.length === 1 ? "has" : "have"} changed`,
    { hint: `Plan it again, or run what was planned: canopy apply ${file} --as-planned` },
  );
}
