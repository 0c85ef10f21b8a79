/** What every bench gives: figures whose names end in their unit, those of others, and ours over theirs. */
export interface Report {
  bench: string;
  figures: Record<string, number>;
  peers: Record<string, Record<string, number>>;
  /** How many times better: above 1 is in our favour. */
  ratios: Record<string, number>;
  /** What the figures of the same names are to reach. */
  targets?: Record<string, number>;
  goals?: Goal[];
  /** What a reader of the figures has to know. */
  notes?: string[];
}

/** What one figure is to be, and was. */
export interface Goal {
  what: string;
  /** For people: "≤ 1.3 × bare crun run". */
  target: string;
  figure: string;
  /** Absent where there is nothing to reach on this machine. */
  holds?: boolean;
}

export interface BenchOptions {
  runs: number;
  /** Tasks of a bulk run. */
  tasks: number;
  peers: boolean;
  /** Where data goes; removed afterwards. */
  folder: string;
  /** The folder of recorded facts, for benches that need them. */
  data: string | undefined;
  /** Tells a person what is being done. */
  say: (text: string) => void;
}

/** Nearest rank: the smallest value that at least the share `q` of all values does not exceed. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** Each figure's median over several runs of the same. */
export function medians(runs: Record<string, number>[]): Record<string, number> {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]!))]));
}

/** Runs the same thing several times, one after the other. */
export async function repeat<T>(times: number, action: (run: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < times; run++) results.push(await action(run));
  return results;
}

/** The report as a table for people. */
export function tableOf(report: Report): string {
  const { bench, figures, peers, ratios, targets = {}, goals = [], notes = [] } = report;
  const lines = [`${bench}`, ...rows(figures)];
  if (Object.keys(targets).length > 0) lines.push("", "to reach", ...rows(targets));
  for (const [name, theirs] of Object.entries(peers))
    lines.push("", `${name} (peer)`, ...rows(theirs));
  if (Object.keys(ratios).length > 0) lines.push("", "times better than", ...rows(ratios));
  if (goals.length > 0) lines.push("", goalsTable(goals));
  if (notes.length > 0) lines.push("", ...notes.map((note) => `  ${note}`));
  return lines.join("\n");
}

/** The goals as a table for people. */
function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, target, figure, holds }) => [
    what,
    target,
    figure,
    holds === undefined ? "" : holds ? "holds" : "does not hold",
  ]);
  const all = [["", "target", "figure", ""], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) => `  ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}

function rows(figures: Record<string, number>): string[] {
  const width = Math.max(0, ...Object.keys(figures).map((name) => name.length));
  const texts = Object.values(figures).map((value) =>
    value.toLocaleString("en", {
      maximumFractionDigits: Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 0,
    }),
  );
  const end = Math.max(0, ...texts.map((text) => text.length));
  return Object.keys(figures).map(
    (name, row) => `  ${name.padEnd(width)}  ${texts[row]!.padStart(end)}`,
  );
}
