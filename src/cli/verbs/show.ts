import type { JobDetail, KindView } from "#/model/views.ts";
import { briefDuration } from "#/model/units.ts";
import { column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";
import type { Verb } from "../verb.ts";
import {
  countOf,
  etaOf,
  explained,
  goalOf,
  phaseCell,
  shareOf,
  spanOf,
  toneOf,
  usageOf,
} from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command.argument("<job>", "a job's name").action(
      does(async (cli, name: string) => {
        const job = await (await cli.client()).job(name);
        const nowMs = cli.terminal.world.clock.now();
        return { type: "text", value: job, text: (out) => detailText(job, nowMs, out) };
      }),
    );
  },
};

function detailText(job: JobDetail, nowMs: number, out: Output): string {
  const head = [
    `${out.paint("bold", job.title)} ${job.id} ${out.paint(toneOf(job.phase), job.phase)}`,
    `submitted ${spanOf(job.submittedAt, undefined, nowMs)} ago by ${job.submittedBy}`,
    ...(job.endedAt === undefined ? [] : [`took ${spanOf(job.submittedAt, job.endedAt, nowMs)}`]),
    ...(job.goal ? [goalOf(job.goal, nowMs)] : []),
    ...(job.eta && job.phase === "running" ? [`ends in ${etaOf(job.eta)}`] : []),
  ].join(" · ");
  const reason = job.reason === undefined ? "" : `${out.paint("red", job.reason)}\n`;
  const waits = job.waits.map((wait) => explained(wait, out)).join("");
  const table = tableText(job.kinds, kindColumns(), out);
  return out.isTty
    ? `${head}\n${reason}\n${table}\n${usageOf(job.usage).join(" · ")}\n${waits}`
    : table;
}

function kindColumns() {
  return [
    column<KindView>("kind", ({ title }) => title, { flexible: true }),
    column<KindView>("phase", ({ phases }) => phaseCell(phaseOf(phases))),
    column<KindView>("tasks", ({ tasks }) => shareOf(tasks), { align: "right" }),
    column<KindView>("running", ({ tasks }) => countOf(tasks.running), { align: "right" }),
    column<KindView>(
      "failed",
      ({ tasks }) => (tasks.failed > 0 ? { text: countOf(tasks.failed), tone: "red" } : "0"),
      { align: "right" },
    ),
    column<KindView>("reused", ({ tasks }) => countOf(tasks.reused), { align: "right" }),
    column<KindView>(
      "mean",
      ({ usage }) => (usage.attempts > 0 ? briefDuration(usage.wallMs / usage.attempts) : ""),
      { align: "right" },
    ),
  ];
}

/** One phase for steps of one kind: what is most worth knowing of them. */
export function phaseOf(phases: KindView["phases"]): string {
  for (const phase of ["failed", "running", "blocked", "cancelled", "succeeded"] as const)
    if (phases[phase]) return phase;
  return "";
}
