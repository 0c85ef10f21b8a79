import { briefDuration } from "#/model/units.ts";
import type { GameDayReport, GameDayView, HitView } from "#/model/chaos-views.ts";
import { countOf } from "../words.ts";

/** A game day in words: the same ones on a terminal and in Markdown. */
export interface Figure {
  title: string;
  text: string;
}

export function figuresOf(report: GameDayReport, nowMs: number): Figure[] {
  const { totals, startedAt, startedBy, endedAt, reason, restarts, downMs, refusals } = report;
  const lastedMs = (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt);
  const figures: Figure[] = [
    { title: "state", text: stateOf(report) },
    {
      title: "began",
      text: `${startedAt.slice(0, 19).replace("T", " ")} UTC by ${startedBy}, ${endedAt === undefined ? "so far" : "took"} ${briefDuration(Math.max(0, lastedMs))}`,
    },
    { title: "hits", text: hitsOf(report) },
  ];
  if (!report.dryRun) {
    const { notice, heal } = totals;
    figures.push(
      { title: "noticed", text: spreadOf(notice) },
      { title: "healed", text: `${spreadOf(heal)}${notHealed(report)}` },
      { title: "lost", text: lostOf(report) },
      {
        title: "control plane",
        text:
          restarts === 0
            ? "up all the time"
            : `started again ${times(restarts)}, away for ${briefDuration(downMs)} at most`,
      },
    );
  }
  if (refusals > 0)
    figures.push({
      title: "held back",
      text: `${times(refusals)}, the last time as ${report.refusal}`,
    });
  if (reason !== undefined) figures.push({ title: "stopped", text: reason });
  return figures;
}

export function stateOf({ phase, alarm, dryRun }: GameDayView): string {
  const how = alarm ? `${phase}, stopped by itself` : phase;
  return dryRun ? `${how} (dry run)` : how;
}

function hitsOf({ totals, targets, everyMs, forMs, seed, dryRun, hitList }: GameDayReport): string {
  const kinds = targets.map((target) => {
    const count = dryRun
      ? hitList.filter((hit) => hit.target === target).length
      : (totals.hits[target] ?? 0);
    return `${countOf(count)} ${target}${count === 1 ? "" : "s"}`;
  });
  const missed = totals.missed > 0 ? `; ${countOf(totals.missed)} came too late` : "";
  return `${kinds.join(", ")}${missed}; asked for one about every ${briefDuration(everyMs)} for ${briefDuration(forMs)}, seed ${seed}`;
}

function spreadOf({ medianMs, worstMs }: GameDayReport["totals"]["heal"]): string {
  if (medianMs === undefined || worstMs === undefined) return "nothing yet";
  return `${briefDuration(medianMs)} in the middle, ${briefDuration(worstMs)} at worst`;
}

function notHealed({ totals: { open, givenUp } }: GameDayReport): string {
  return [
    ...(open > 0 ? [`; ${countOf(open)} not yet`] : []),
    ...(givenUp > 0 ? [`; ${countOf(givenUp)} did not while it was on`] : []),
  ].join("");
}

function lostOf({ totals: { tasksLost, attemptsLost, wastedCpuMs } }: GameDayReport): string {
  const what =
    tasksLost === 0
      ? "nothing"
      : `${countOf(tasksLost)} ${tasksLost === 1 ? "task" : "tasks"} failed for good`;
  if (attemptsLost === 0) return what;
  return `${what}; ${countOf(attemptsLost)} ${attemptsLost === 1 ? "attempt" : "attempts"} began again, at most ${briefDuration(wastedCpuMs)} of CPU for nothing`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${countOf(count)} times`;
}

/** How long after the game day began. */
export function offsetOf({ at }: HitView, { startedAt }: GameDayView): string {
  return `+${briefDuration(Math.max(0, Date.parse(at) - Date.parse(startedAt)))}`;
}

/** "12ms, driver". */
export function noticeOf({ noticeMs, noticedBy }: HitView): string {
  return noticeMs === undefined ? "" : `${briefDuration(noticeMs)}, ${noticedBy}`;
}

/** When the tasks there could run elsewhere, and what let them. */
export function releaseOf({ releaseMs, releasedBy, target }: HitView): string {
  if (releaseMs === undefined || target === "task") return "";
  return `${briefDuration(releaseMs)}, ${releasedBy}`;
}

export function healOf({ phase, healMs }: HitView): string {
  return healMs === undefined ? phase : briefDuration(healMs);
}

export function lossOf({ lost, attemptsLost }: HitView): string {
  if (lost.length > 0) return lost.join(" ");
  return attemptsLost === 0 ? "nothing" : `${countOf(attemptsLost)} began again`;
}
