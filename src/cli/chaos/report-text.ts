import type { GameDayReport, HitView } from "#/model/chaos-views.ts";
import { column } from "../result.ts";
import { padded, printable, tableText } from "../table.ts";
import type { Output, Tone } from "../terminal.ts";
import { figuresOf, healOf, lossOf, noticeOf, offsetOf, releaseOf } from "./figures.ts";

const phaseTones: Partial<Record<HitView["phase"], Tone>> = {
  open: "yellow",
  "given-up": "red",
  missed: "dim",
  dry: "cyan",
};

/** The report of a game day for a person, or as lines with tabs for a pipe. */
export function reportText(report: GameDayReport, nowMs: number, out: Output): string {
  const { id, project, alarm, totals, hitList } = report;
  const figures = figuresOf(report, nowMs);
  const isBad = alarm || totals.tasksLost > 0;
  if (!out.isTty) {
    const lines = figures.map(({ title, text }) => `${title}\t${printable(text)}\n`);
    return `game day\t${id}\n${lines.join("")}${hitsText(report, out)}`;
  }
  const width = Math.max(...figures.map(({ title }) => title.length));
  const head = `${out.paint(isBad ? "red" : "green", isBad ? "✗" : "✓")} ${out.paint("bold", `game day ${id}`)} of ${project}\n`;
  const lines = figures.map(
    ({ title, text }) => `  ${out.paint("dim", padded(title, width))}  ${printable(text)}\n`,
  );
  const hits = hitList.length === 0 ? "" : `\n${hitsText(report, out)}`;
  return head + lines.join("") + hits;
}

function hitsText(report: GameDayReport, out: Output): string {
  return tableText(
    report.hitList,
    [
      column<HitView>("#", ({ number }) => String(number + 1), { align: "right" }),
      column<HitView>("at", (hit) => offsetOf(hit, report), { align: "right" }),
      column<HitView>("hit", ({ target }) => target),
      column<HitView>("which", ({ subject }) => subject, { flexible: true }),
      column<HitView>("on", ({ machine }) => machine, { flexible: true }),
      column<HitView>("tasks", ({ tasks }) => String(tasks), { align: "right" }),
      column<HitView>("noticed", noticeOf),
      column<HitView>("given to others", releaseOf),
      column<HitView>(
        "healed",
        (hit) => {
          const tone = phaseTones[hit.phase];
          return tone ? { text: healOf(hit), tone } : healOf(hit);
        },
        { align: "right" },
      ),
      column<HitView>("lost", (hit) =>
        hit.lost.length > 0 ? { text: lossOf(hit), tone: "red" } : lossOf(hit),
      ),
    ],
    out,
  );
}
