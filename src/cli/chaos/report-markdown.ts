import type { GameDayReport } from "#/model/chaos-views.ts";
import { figuresOf, healOf, lossOf, noticeOf, offsetOf, releaseOf } from "./figures.ts";

/** The report of a game day to paste into a wiki: GitHub's Markdown. */
export function reportMarkdown(report: GameDayReport, nowMs: number): string {
  const { id, project, startedAt, hitList } = report;
  const figures = figuresOf(report, nowMs).map(
    ({ title, text }) => `- **${title}**: ${escaped(text)}`,
  );
  const rows = hitList.map((hit) => [
    String(hit.number + 1),
    offsetOf(hit, report),
    hit.target,
    hit.subject,
    hit.machine,
    String(hit.tasks),
    noticeOf(hit),
    releaseOf(hit),
    healOf(hit),
    lossOf(hit),
  ]);
  const titles = ["#", "at", "hit", "which", "on", "tasks", "noticed", "given to others", "healed"];
  const table = [[...titles, "lost"], ["--:", "--:", ...Array<string>(8).fill("--")], ...rows].map(
    (cells) => `| ${cells.map((cell) => escaped(cell)).join(" | ")} |`,
  );
  const why = hitList.map(({ number, why: text }) => `${number + 1}. ${escaped(text)}`);
  return [
    `# Game day ${id} of ${escaped(project)}, ${startedAt.slice(0, 10)}`,
    "",
    ...figures,
    ...(rows.length > 0 ? ["", "## Hits", "", ...table, "", "## Why these", "", ...why] : []),
    "",
  ].join("\n");
}

/** What others named must not become markup, nor another cell. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|]/g, "\\$&").replaceAll(/\s+/g, " ");
}
