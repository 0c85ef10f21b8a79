import type { Considered, PlanSpec } from "#/model/plan.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";
import { changes, flipping, takes, type Flip } from "#/planning/mix/flip.ts";
import type { Counts, MixProblem } from "#/planning/mix/problem.ts";
import type { Asked } from "./propose.ts";

/** One offer that a plan considered, and what would have changed whether it takes it. */
export interface Alternative {
  readonly line: Considered;
  /** As sentences, the smallest change first. */
  readonly flips: readonly string[];
}

/**
 * Every offer that a plan considered, with the smallest changes that would have made the planner decide otherwise
 * about it: found by asking the planner that made the plan the same question with one number changed, so they are
 * exact. It asks often: `mayGoOn` is awaited before each question, so that others are served in between, and ends it
 * by giving false.
 */
export async function* alternativesOf(
  { considered, asked }: Pick<PlanSpec, "considered" | "asked">,
  mayGoOn: () => Promise<boolean>,
): AsyncGenerator<Alternative> {
  if (!asked) return;
  const { problem, lines } = asked as Asked;
  const counts = problem.types.map(() => 0);
  for (const [number, { at }] of lines.entries())
    if (at !== undefined) counts[at] = considered[number]!.count;
  const find: Find = async (...question) => {
    const search = flipping(...question);
    for (;;) {
      if (!(await mayGoOn())) throw new OutOfTime();
      const { done, value } = search.next();
      if (done) return value;
    }
  };
  try {
    for (const [number, line] of considered.entries()) {
      if (line.isPresent) continue;
      const { at, barred } = lines[number] ?? {};
      if (at !== undefined) yield { line, flips: await flipsOf(find, problem, counts, at, line) };
      else if (barred)
        yield { line, flips: await unbarred(find, problem, [...counts, 0], barred, line) };
      else yield { line, flips: [] };
    }
  } catch (thrown) {
    if (!(thrown instanceof OutOfTime)) throw thrown;
  }
}

type Find = (...question: Parameters<typeof flipping>) => Promise<Flip | undefined>;

class OutOfTime extends Error {}

async function flipsOf(
  find: Find,
  problem: MixProblem,
  counts: Counts,
  at: number,
  line: Considered,
): Promise<string[]> {
  const isTaken = takes(problem, at, counts);
  const extraMs = problem.types[at]!.bootMs - (line.bootMs ?? 0);
  const found: Flip[] = [];
  for (const change of changes) {
    const flip = await find(problem, at, change, counts);
    if (flip) found.push(flip);
  }
  return found
    .filter(({ change, to }) => change !== "boot" || to >= extraMs)
    .sort((a, b) => sizeOf(a) - sizeOf(b))
    .map((flip) => sentenceOf(flip, isTaken, extraMs));
}

function sizeOf({ from, to }: Flip): number {
  return Math.abs(to - from) / Math.max(1, from);
}

function sentenceOf({ change, from, to }: Flip, isTaken: boolean, extraMs: number): string {
  const rises = to > from;
  const end = isTaken ? "it would not have been taken" : "it would be taken";
  switch (change) {
    case "price":
      return `at ${formatMicros(to)} an hour or ${rises ? "more" : "less"} ${end}: it costs ${formatMicros(from)}`;
    case "boot":
      return `booting in ${formatDuration(to - extraMs)} or ${rises ? "more" : "less"} ${end}: it needs ${formatDuration(from - extraMs)}`;
    case "count":
      return `with ${to} of it or ${rises ? "more" : "less"} ${end}: there are ${from}`;
    case "deadline":
      return `with a deadline of ${formatDuration(to)} ${end}: it is ${formatDuration(from)}`;
  }
}

/** More than any machine costs, in millionths an hour: from there down a price is looked for. */
const dearest = 1_000_000_000;

/** Of an offer that was kept out: what would become of it if it were not. */
async function unbarred(
  find: Find,
  problem: MixProblem,
  counts: Counts,
  { type, by }: NonNullable<Asked["lines"][number]["barred"]>,
  line: Considered,
): Promise<string[]> {
  const at = problem.types.length;
  const price = line.microsPerHour === undefined ? dearest : type.price.microsPerHour;
  const open = { ...type, price: { ...type.price, microsPerHour: price } };
  const asked = { ...problem, types: [...problem.types, open] };
  if (line.microsPerHour === undefined) {
    const flip = await find(asked, at, "price", counts);
    const first = by === "policy" ? "allowed, and " : "";
    return flip
      ? [`${first}with a known price of ${formatMicros(flip.to)} an hour or less it would be taken`]
      : [];
  }
  if (by === "count") return flipsOf(find, asked, counts, at, line);
  if (takes(asked, at, counts)) return ["were it allowed, it would be taken"];
  return (await flipsOf(find, asked, counts, at, line)).map((flip) => `were it allowed, ${flip}`);
}
