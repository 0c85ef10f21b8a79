import { briefDuration } from "#/model/units.ts";
import type { JobDetail, KindView } from "#/model/views.ts";
import { fitted, padded, printable, widthOf } from "./table.ts";
import type { Output, Tone } from "./terminal.ts";
import { countOf, etaOf, microsOf, shareOf, tasksOf, usageOf } from "./words.ts";

/** Kinds shown at once; the rest are told by their number. */
const kindsMax = 12;
const barWidthMax = 30;
const titleWidthMax = 28;

/** What is told of a job while it goes on. */
export interface Progress {
  job: JobDetail;
  elapsedMs: number;
  currency: string;
  /** Set while the cloud cannot be reached. */
  trouble: string | undefined;
}

/** The picture for a person: a line with a bar per kind of task, then the whole, and what it waits for. */
export function picture({ job, elapsedMs, currency, trouble }: Progress, out: Output): string[] {
  const width = out.columns - 1;
  const shown = mostTelling(job.kinds);
  const titleWidth = Math.min(
    titleWidthMax,
    Math.max(0, ...shown.map(({ title }) => widthOf(printable(title)))),
  );
  const lines = shown.map((kind) => kindLine(kind, titleWidth, width, out));
  if (job.kinds.length > shown.length)
    lines.push(out.paint("dim", `  and ${job.kinds.length - shown.length} more kinds of tasks`));
  lines.push(wholeLine(job, elapsedMs, currency, width, out));
  for (const { sentence, advice } of job.waits.slice(0, 3)) {
    lines.push(out.paint("yellow", fitted(`  waits: ${printable(sentence)}`, width)));
    if (advice !== undefined) lines.push(out.paint("dim", fitted(`         ${advice}`, width)));
  }
  if (trouble !== undefined) lines.push(out.paint("yellow", fitted(`  ${trouble}`, width)));
  return lines;
}

/** One line for a pipe. */
export function plainLine({ job, elapsedMs, trouble }: Progress): string {
  const kinds = mostTelling(job.kinds).map(
    (kind) =>
      `${printable(kind.title)} ${shareOf(kind.tasks)}${troubles(kind)
        .map((word) => ` ${word}`)
        .join("")}`,
  );
  const rest = [
    ...(job.eta && job.phase === "running" ? [`ends in ${etaOf(job.eta)}`] : []),
    ...job.waits.slice(0, 1).map(({ sentence }) => `waits: ${sentence}`),
    ...(trouble === undefined ? [] : [trouble]),
  ];
  return [`${job.id} ${job.phase} ${briefDuration(elapsedMs)}`, kinds.join(", "), ...rest]
    .filter(Boolean)
    .join("; ");
}

/** The last word on a job. */
export function summary({ job, elapsedMs, currency }: Progress, out: Output): string {
  const mark = job.phase === "succeeded" ? out.paint("green", "✓") : out.paint("red", "✗");
  const parts = [
    `${mark} ${out.paint("bold", printable(job.title))} ${job.id} ${job.phase} in ${briefDuration(elapsedMs)}`,
    tasksOf(job.tasks.succeeded),
    ...(job.tasks.failed > 0 ? [out.paint("red", `${countOf(job.tasks.failed)} failed`)] : []),
    ...(job.tasks.reused > 0 ? [`${countOf(job.tasks.reused)} reused`] : []),
    ...(job.tasks.retried > 0 ? [`${countOf(job.tasks.retried)} tried again`] : []),
    ...usageOf(job.usage),
    microsOf(job.usage.costMicros, currency),
  ];
  return parts.join(" · ");
}

/** Those under way first, then those to come, then those that have ended; in their own order when all fit. */
function mostTelling(all: readonly KindView[]): readonly KindView[] {
  // values that a job recorded are steps without tasks
  const kinds = all.filter(
    ({ tasks, phases }) => tasks.offered > 0 || phases.blocked || phases.running,
  );
  if (kinds.length <= kindsMax) return kinds;
  const rank = ({ tasks, phases }: KindView) =>
    tasks.failed > 0 ? 0 : tasks.running > 0 ? 1 : phases.running ? 2 : phases.blocked ? 3 : 4;
  const chosen = new Set(kinds.toSorted((a, b) => rank(a) - rank(b)).slice(0, kindsMax));
  return kinds.filter((kind) => chosen.has(kind));
}

function kindLine(kind: KindView, titleWidth: number, width: number, out: Output): string {
  const { tasks, phases } = kind;
  const title = padded(fitted(printable(kind.title), titleWidth), titleWidth);
  const isBlocked = phases.blocked !== undefined && tasks.offered === 0;
  const words = isBlocked
    ? "comes later"
    : [shareOf(tasks), percentOf(kind), ...troubles(kind)].filter(Boolean).join("  ");
  const right = fitted(words, width - titleWidth - 6);
  const barWidth = Math.max(0, Math.min(barWidthMax, width - titleWidth - widthOf(right) - 6));
  return `  ${title}  ${bar(kind, barWidth, out)}  ${isBlocked ? out.paint("dim", right) : right}`;
}

function bar({ tasks }: KindView, width: number, out: Output): string {
  const total = Math.max(1, tasks.total ?? tasks.offered);
  const cells = (count: number) => Math.round((count / total) * width);
  const done = Math.min(width, cells(tasks.succeeded));
  const failed = Math.min(
    width - done,
    tasks.failed + tasks.cancelled > 0 ? Math.max(1, cells(tasks.failed + tasks.cancelled)) : 0,
  );
  const running = Math.min(
    width - done - failed,
    tasks.running > 0 ? Math.max(1, cells(tasks.running)) : 0,
  );
  const rest = Math.max(0, width - done - failed - running);
  const part = (tone: Tone, mark: string, count: number) =>
    count > 0 ? out.paint(tone, mark.repeat(count)) : "";
  return (
    part("green", "█", done) +
    part("red", "█", failed) +
    part("blue", "▓", running) +
    part("dim", "░", rest)
  );
}

function percentOf({ tasks }: KindView): string {
  if (tasks.total === undefined || tasks.total === 0) return "";
  return `${Math.min(100, Math.floor(((tasks.succeeded + tasks.failed + tasks.cancelled) / tasks.total) * 100))}%`;
}

function troubles({ tasks }: KindView): string[] {
  const said = (count: number, word: string) => (count > 0 ? [`${countOf(count)} ${word}`] : []);
  return [
    ...said(tasks.running, "running"),
    ...said(tasks.failed, "failed"),
    ...said(tasks.retried, "tried again"),
    ...said(tasks.lost, "lost"),
    ...said(tasks.reused, "reused"),
  ];
}

function wholeLine(
  job: JobDetail,
  elapsedMs: number,
  currency: string,
  width: number,
  out: Output,
): string {
  const parts = [
    `${job.id} ${job.phase}`,
    briefDuration(elapsedMs),
    ...(job.eta && job.phase === "running" ? [`ends in ${etaOf(job.eta)}`] : []),
    ...usageOf(job.usage),
    microsOf(job.usage.costMicros, currency),
  ];
  return out.paint("bold", fitted(`  ${parts.join(" · ")}`, width));
}
