import { Option, type Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { ChaosPreview, GameDayView } from "#/model/chaos-views.ts";
import { briefDuration } from "#/model/units.ts";
import type { Client } from "#/sdk/client.ts";
import { stateOf } from "../chaos/figures.ts";
import { followGameDay } from "../chaos/follow.ts";
import { policyCommands } from "../chaos/policy.ts";
import { reportMarkdown } from "../chaos/report-markdown.ts";
import { reportText } from "../chaos/report-text.ts";
import { parseTargets } from "../chaos/targets.ts";
import { durationOption, parseNumber } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Does, Done, Verb } from "../verb.ts";
import { agoOf, countOf } from "../words.ts";

/** Longer than a control plane that a game day killed takes to come back. */
const patienceMs = 60_000;
const listed = 20;
const keptOutShown = 10;

export const verb: Verb = {
  define(command, does) {
    runCommand(command, does);
    command
      .command("stop")
      .description("Hit no more; what was hit heals")
      .argument("[game-day]", "the one that is on, when absent")
      .action(
        does(async (cli, id?: string) => {
          const client = await cli.client();
          const stopped = await client.stopGameDay(id ?? (await newest(client, "stop")).id);
          return {
            type: "done",
            value: stopped,
            message: `${stopped.id} hits no more. How it went: canopy chaos report ${stopped.id}`,
          };
        }),
      );
    command
      .command("report")
      .description("What was hit, what noticed, how long it took to heal, what was lost")
      .argument("[game-day]", "the newest, when absent")
      .option("--markdown", "as Markdown, to paste into a wiki")
      .action(does((cli, id?: string) => report(cli, id)));
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List game days")
      .action(does((cli) => list(cli)));
    policyCommands(
      command.command("policy").description("What may be hit, and within which bounds"),
      does,
    );
  },
};

function runCommand(command: Command, does: Does): void {
  command
    .command("run")
    .description("Begin a game day: kill at random within the policy, and follow what heals")
    .addOption(
      new Option("--for <duration>", "how long, as in 2m")
        .argParser(durationOption)
        .default(60_000, "1m"),
    )
    .addOption(
      new Option("--every <duration>", "between two hits, on average, as in 5s")
        .argParser(durationOption)
        .default(5_000, "5s"),
    )
    .option("--kind <kinds>", "tasks, agents, machines; all that the policy allows when absent")
    .option("--seed <number>", "draw what this number drew before", parseNumber)
    .option("--dry-run", "only say what may be hit now, and what first")
    .option("--detach", "begin it and leave")
    .action(does((cli) => run(cli)));
}

interface RunFlags {
  for: number;
  every: number;
  kind?: string;
  seed?: number;
  dryRun?: boolean;
  detach?: boolean;
}

async function run(cli: Cli): Promise<Done> {
  const {
    for: forMs,
    every: everyMs,
    kind,
    seed,
    dryRun,
    detach,
  } = cli.options as never as RunFlags;
  const client = await cli.client({ patienceMs });
  const wish = {
    ...(kind === undefined ? {} : { targets: parseTargets(kind) }),
    ...(seed === undefined ? {} : { seed }),
  };
  if (dryRun) return previewed(await client.previewGameDay(wish));
  const begun = await client.startGameDay({ ...wish, forMs, everyMs });
  const message = `The game day ${begun.id} is on. Stop it with: canopy chaos stop ${begun.id}`;
  if (detach) return { type: "done", value: begun, message };
  cli.terminal.err.write(`${message}\n`);
  return followGameDay(cli, client, begun.id);
}

function previewed(preview: ChaosPreview): Result {
  const { refusal, first, candidates, candidateCount, keptOut, keptOutCount } = preview;
  return {
    type: "text",
    value: preview,
    text: (out) => {
      const kinds = Map.groupBy(candidates, ({ target }) => target);
      const lines = [
        ...(refusal === undefined ? [] : [`Nothing may be hit now: ${refusal}`]),
        `${countOf(candidateCount)} may be hit: ${[...kinds].map(([target, list]) => `${countOf(list.length)} ${target}${list.length === 1 ? "" : "s"}`).join(", ") || "nothing"}`,
        ...(first
          ? [
              `The first would be the ${first.target} ${first.subject} on ${first.machine}: ${first.why}`,
            ]
          : []),
        ...(keptOutCount > 0 ? [`${countOf(keptOutCount)} kept out:`] : []),
        ...keptOut
          .slice(0, keptOutShown)
          .map(
            ({ target, subject, why }) => `${out.paint("dim", "•")} ${target} ${subject}: ${why}`,
          ),
        ...(keptOutCount > keptOutShown
          ? [`  and ${countOf(keptOutCount - keptOutShown)} more`]
          : []),
      ];
      return `${lines.join("\n")}\n`;
    },
  };
}

async function report(cli: Cli, id: string | undefined): Promise<Done> {
  const client = await cli.client();
  const found = await client.gameDay(id ?? (await newest(client, "report on")).id);
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "text",
    value: found,
    text: (out) =>
      cli.options["markdown"] === true
        ? reportMarkdown(found, nowMs)
        : reportText(found, nowMs, out),
  };
}

async function newest(client: Client, action: string): Promise<GameDayView> {
  const [first] = (await client.gameDays({ limit: 1 })).items;
  if (first) return first;
  throw new CanopyError("not-found", `Cannot ${action} a game day as there was none yet`, {
    hint: "canopy chaos run --for 1m --every 5s",
  });
}

async function list(cli: Cli): Promise<Result> {
  const { items, next } = await (await cli.client()).gameDays({ limit: listed });
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows: items,
    columns: [
      column<GameDayView>("game day", ({ id }) => id),
      column<GameDayView>("state", (day) =>
        day.alarm ? { text: stateOf(day), tone: "red" } : stateOf(day),
      ),
      column<GameDayView>("began", ({ startedAt }) => agoOf(startedAt, nowMs), { align: "right" }),
      column<GameDayView>("by", ({ startedBy }) => startedBy, { flexible: true }),
      column<GameDayView>("targets", ({ targets }) => targets.join(",")),
      column<GameDayView>("for", ({ forMs }) => briefDuration(forMs), { align: "right" }),
      column<GameDayView>("hits", ({ hits }) => String(hits), { align: "right" }),
      column<GameDayView>("stopped", ({ reason }) => reason ?? "", { flexible: true }),
    ],
    empty: "No game days yet. Begin one with: canopy chaos run --for 1m --every 5s",
    note: next === undefined ? undefined : `The newest ${listed} are shown`,
  };
}
