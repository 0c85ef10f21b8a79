import { Option, type Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { formatDuration } from "#/model/units.ts";
import type { ChaosPolicyInput, ChaosPolicyView } from "#/model/chaos-views.ts";
import { confirm } from "../confirm.ts";
import { durationOption, parseCount } from "../count.ts";
import type { Field, Result } from "../result.ts";
import type { Cli, Does } from "../verb.ts";
import { labelsOf, many } from "../words.ts";
import { daysText, parseHours, parseTimes } from "./days.ts";
import { parseTargets } from "./targets.ts";

interface PolicyFlags {
  targets?: string;
  hits?: number;
  atOnce?: number;
  share?: string;
  lastMachine?: boolean;
  neighbours?: boolean;
  job?: string[];
  notJob?: string[];
  label?: string[];
  notLabel?: string[];
  hours?: string;
  timeZone?: string;
  gap?: number;
  away?: number;
  healWithin?: number;
  autonomy?: ChaosPolicyInput["autonomy"];
  schedule?: string;
  for?: number;
  every?: number;
}

/** `canopy chaos policy …`. */
export function policyCommands(command: Command, does: Does): void {
  command
    .command("show", { isDefault: true })
    .description("Show what may be hit, and within which bounds")
    .action(does(async (cli) => shown(await (await cli.client()).chaosPolicy())));
  command
    .command("set")
    .description("Say what may be hit; what is not said stays as it is")
    .option("--targets <kinds>", "tasks, agents, machines, with commas between")
    .option("--hits <number>", "hits of one game day, at most", parseCount)
    .option("--at-once <number>", "hits that have not healed, at most", parseCount)
    .option("--share <percent>", "of the machines, how many may be hit at once, as in 34%")
    .option("--last-machine", "let the only healthy machine be hit")
    .option("--no-last-machine", "never hit the only healthy machine")
    .option("--neighbours", "let machines be hit that run tasks of other projects")
    .option("--no-neighbours", "spare machines that run tasks of other projects")
    .option(
      "--job <pattern>",
      "only jobs of that title or name, as in 'nightly-*' (repeatable)",
      many,
    )
    .option("--not-job <pattern>", "never jobs of that title or name (repeatable)", many)
    .option("--label <name=value>", "only machines with that label (repeatable)", many)
    .option("--not-label <name=value>", "never machines with that label (repeatable)", many)
    .option("--hours <hours>", "when it may happen, as in 'mon-fri 09:00-17:00'; any")
    .option("--time-zone <zone>", "of hours and schedule, as in Europe/Berlin")
    .option("--gap <duration>", "between two hits, at least", durationOption)
    .option("--away <duration>", "how long a machine stays away", durationOption)
    .option("--heal-within <duration>", "a hit that takes longer ends the game day", durationOption)
    .addOption(
      new Option(
        "--autonomy <level>",
        "manual: people begin game days; observe: the schedule's only say what they would hit; act: they hit it",
      ).choices(["manual", "observe", "act"]),
    )
    .option("--schedule <times>", "game days that begin by themselves, as in 'mon-fri 10:00'; none")
    .option("--for <duration>", "how long each of those lasts", durationOption)
    .option("--every <duration>", "between their hits, on average", durationOption)
    .action(does((cli) => set(cli)));
  command
    .command("remove")
    .description("Let nothing be hit any more; a game day that is on stops")
    .option("--yes", "do not ask")
    .action(
      does(async (cli) => {
        await confirm(
          cli.terminal,
          "remove the chaos policy",
          "remove",
          cli.options["yes"] === true,
        );
        await (await cli.client()).removeChaosPolicy();
        return { type: "done", value: { removed: true }, message: "Nothing is hit any more" };
      }),
    );
}

async function set(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const before = await client.chaosPolicy().catch((thrown: unknown) => {
    if (thrown instanceof CanopyError && thrown.code === "not-found") return undefined;
    throw thrown;
  });
  return shown(await client.setChaosPolicy(changed(before, cli.options as PolicyFlags)));
}

function changed(before: ChaosPolicyView | undefined, flags: PolicyFlags): ChaosPolicyInput {
  const { project: _, next: __, ...old } = before ?? ({} as Partial<ChaosPolicyView>);
  const targets = flags.targets === undefined ? old.targets : parseTargets(flags.targets);
  if (!targets) {
    throw new CanopyError("invalid", "Cannot make a policy without saying what may be hit", {
      hint: "canopy chaos policy set --targets tasks --hits 10 --at-once 1",
    });
  }
  return defined({
    ...old,
    targets,
    hitsMax: flags.hits ?? old.hitsMax,
    hitsAtOnceMax: flags.atOnce ?? old.hitsAtOnceMax,
    machineShareMax: flags.share === undefined ? old.machineShareMax : parseShare(flags.share),
    lastMachine: flags.lastMachine ?? old.lastMachine,
    neighbours: flags.neighbours ?? old.neighbours,
    jobs: flags.job ?? old.jobs,
    jobsNever: flags.notJob ?? old.jobsNever,
    labels: flags.label ? labelsOf(flags.label) : old.labels,
    labelsNever: flags.notLabel ? labelsOf(flags.notLabel) : old.labelsNever,
    hours: hoursOf(flags, old.hours),
    timeZone: flags.timeZone ?? old.timeZone,
    gapMs: flags.gap ?? old.gapMs,
    awayMs: flags.away ?? old.awayMs,
    healMsMax: flags.healWithin ?? old.healMsMax,
    autonomy: flags.autonomy ?? old.autonomy,
    schedule: scheduleOf(flags, old.schedule),
  });
}

const scheduledForMs = 10 * 60_000;
const scheduledEveryMs = 30_000;

function scheduleOf(
  flags: PolicyFlags,
  old: ChaosPolicyInput["schedule"],
): ChaosPolicyInput["schedule"] {
  if (flags.schedule === "none") return undefined;
  const times = flags.schedule === undefined ? old : parseTimes(flags.schedule);
  if (!times) return undefined;
  return {
    days: times.days,
    at: times.at,
    forMs: flags.for ?? old?.forMs ?? scheduledForMs,
    everyMs: flags.every ?? old?.everyMs ?? scheduledEveryMs,
  };
}

function hoursOf({ hours }: PolicyFlags, old: ChaosPolicyInput["hours"]): typeof old {
  if (hours === undefined) return old;
  return hours === "any" ? undefined : parseHours(hours);
}

/** Without members that are undefined. */
function defined<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as T;
}

function parseShare(text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  const share = Number(number) / 100;
  if (number === undefined || share > 1)
    throw new CanopyError("invalid", `Cannot read the share '${text}'`, {
      hint: "Write it like 34%",
    });
  return share;
}

function shown(policy: ChaosPolicyView): Result {
  const { hours, schedule, timeZone, next } = policy;
  const labels = (of: Record<string, string>) =>
    Object.entries(of)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
  const fields: Field[] = [
    { title: "project", value: policy.project },
    { title: "may be hit", value: policy.targets.map((target) => `${target}s`).join(", ") },
    { title: "autonomy", value: policy.autonomy },
    {
      title: "hits",
      value: `at most ${policy.hitsMax} in a game day, ${policy.hitsAtOnceMax} at once, ${formatDuration(policy.gapMs)} between two`,
    },
    {
      title: "machines",
      value: `at most ${Math.round(policy.machineShareMax * 1000) / 10}% at once, ${policy.lastMachine ? "the last one too" : "never the last one"}, ${policy.neighbours ? "also with tasks of other projects" : "none with tasks of other projects"}, away for ${formatDuration(policy.awayMs)}`,
    },
    { title: "only jobs", value: policy.jobs.join(", ") },
    { title: "never jobs", value: policy.jobsNever.join(", ") },
    { title: "only machines", value: labels(policy.labels) },
    { title: "never machines", value: labels(policy.labelsNever) },
    {
      title: "hours",
      value: hours
        ? `${daysText(hours.days)} ${hours.from}-${hours.to} ${timeZone}`
        : "at any time",
    },
    { title: "healed within", value: `${formatDuration(policy.healMsMax)}, or the game day stops` },
    {
      title: "schedule",
      value:
        schedule &&
        `${daysText(schedule.days)} ${schedule.at.join(",")} ${timeZone}, for ${formatDuration(schedule.forMs)}, a hit about every ${formatDuration(schedule.everyMs)}`,
    },
    { title: "next", value: next.join(", ") },
  ];
  return { type: "record", value: policy, fields };
}
