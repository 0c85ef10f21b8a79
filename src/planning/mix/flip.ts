import { bestCounts } from "./mix.ts";
import type { Counts, MixProblem } from "./problem.ts";

/**
 * What of an offer, or of the goal, may be another: millionths an hour, milliseconds until it takes tasks, how
 * many there can be, and milliseconds until the deadline.
 */
export const changes = ["price", "boot", "count", "deadline"] as const;
export type Change = (typeof changes)[number];

/** At `to` it is decided otherwise whether a type is taken; at the whole number before it, on the way from `from`, it is not. */
export interface Flip {
  change: Change;
  from: number;
  to: number;
}

/**
 * The smallest change that was found with which the planner decides otherwise about a type of its question: takes it where it
 * takes none, or takes none where it takes some. Found by asking the planner itself, again and again:
 * first for any change that does, then, by bisection, for the least on the way to it. Undefined where no change of
 * that sort does. A pure function, which pauses before each question to the planner: one may take long, and there are dozens.
 */
export function* flipping(
  problem: MixProblem,
  type: number,
  change: Change,
  known?: Counts,
): Generator<void, Flip | undefined> {
  const from = valueOf(problem, type, change);
  if (from === undefined) return undefined;
  const isTaken = takes(problem, type, known);
  const isOther = (value: number) =>
    takes(changed(problem, type, change, value), type, known) !== isTaken;
  let reached: number | undefined;
  for (const value of ways(problem, type, change, isTaken, from)) {
    yield;
    if (!isOther(value)) continue;
    reached = value;
    break;
  }
  if (reached === undefined) return undefined;
  let [stays, flips] = [from, reached];
  while (Math.abs(flips - stays) > 1) {
    yield;
    const middle = Math.trunc((stays + flips) / 2);
    if (isOther(middle)) flips = middle;
    else stays = middle;
  }
  return { change, from, to: flips };
}

/** Whether the best mix for a question has machines of that type; that of a plan, `known`, is taken where none is better. */
export function takes(problem: MixProblem, type: number, known?: Counts): boolean {
  return (bestCounts(problem, known)?.[type] ?? 0) > 0;
}

/** The question with that one number changed. */
export function changed(
  problem: MixProblem,
  type: number,
  change: Change,
  value: number,
): MixProblem {
  if (change === "deadline")
    return { ...problem, goal: { ...problem.goal, deadlineMs: Math.max(1, value) } };
  const types = problem.types.map((one, at) => {
    if (at !== type) return one;
    if (change === "price") return { ...one, price: { ...one.price, microsPerHour: value } };
    return change === "boot" ? { ...one, bootMs: value } : { ...one, countMax: value };
  });
  return { ...problem, types };
}

function valueOf({ types, goal }: MixProblem, type: number, change: Change): number | undefined {
  const { price, bootMs, countMax } = types[type]!;
  const value = {
    price: price.microsPerHour,
    boot: bootMs,
    count: countMax,
    deadline: goal.deadlineMs,
  }[change];
  return value === undefined ? undefined : Math.round(value);
}

const doublings = 10;
const steps = 12;

/** Values that may do, in the order in which they are tried. */
function ways(
  { work }: MixProblem,
  type: number,
  change: Change,
  isTaken: boolean,
  from: number,
): number[] {
  const above = Array.from({ length: doublings }, (_, at) => (from + 1) * 2 ** (at + 1));
  switch (change) {
    case "price":
    case "boot":
      return isTaken ? above : from > 0 ? [0] : [];
    case "count": {
      const useful = Math.max(1, ...work.map(({ tasks }) => tasks));
      return isTaken ? [] : above.filter((count) => count < 4 * useful);
    }
    case "deadline":
      // Sooner and later in turn, as it may be either.
      return Array.from({ length: steps }, (_, at) => 1.1 ** (at + 1)).flatMap((by) => [
        Math.floor(from / by),
        Math.ceil(from * by),
      ]);
  }
}
