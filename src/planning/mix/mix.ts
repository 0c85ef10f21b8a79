import type { Band, Objective } from "#/model/plan.ts";
import { boundOf } from "./bound.ts";
import { cover } from "./cover.ts";
import { reachedBy, scoreOfMachine } from "./score.ts";
import { billOf, gramsOf, type Counts, type MixProblem, type MixStep } from "./problem.ts";
import { finishMs } from "./finish.ts";
import { lackingGang, type LackingGang } from "./gangs.ts";
import { instantsUpTo } from "./instants.ts";
import { waysOf } from "./moves.ts";
import { lateMs, tailMs } from "./rounds.ts";

/** What will come of some counts: in the middle, and what is exceeded about once in ten times. */
export interface Prediction {
  finishMs: Band;
  costMicros: Band;
  /** Undefined where a machine's power, or how clean it is, is not known. */
  joules: Band | undefined;
  grams: Band | undefined;
}

export interface Mix {
  counts: Counts;
  predicted: Prediction;
  /** The steps, with their places in an order that ends them earlier than upward ranks do, where one was found. */
  steps?: readonly MixStep[];
  /** No mix that keeps the deadline costs less; with another objective, takes less time or gives less CO2. */
  bound: number;
}

/** Why there is no mix, and what would do. */
export interface NoMix {
  reason: "too-late" | "too-dear" | "no-machine";
  /** The earliest deadline that the budget allows. */
  nearestDeadlineMs: number | undefined;
  /** The least budget that keeps the deadline. */
  nearestBudgetMicros: number | undefined;
  /** Where neither alone can be moved far enough: the earliest end there can be, and the least that it costs. */
  nearestBoth?: { deadlineMs: number; budgetMicros: number };
  /** Tasks that must run at once, and have no room to on all machines together. */
  lacking?: LackingGang;
}

/**
 * The machines with which the goal is held at the least cost (or time, or CO2): a pure function. All
 * machines work until nothing is left, then all are released, so a plan is when it means to be done, and
 * how many machines of each type. Instants are tried one by one, up to the deadline: they are spread evenly,
 * and lie where a started period of a price ends. For each, `cover` finds the counts with run times as high
 * as they may well be; `boundOf` says what no mix can undercut.
 */
export function planMix(problem: MixProblem): Mix | NoMix {
  const { goal } = problem;
  if (problem.types.every(({ isPresent }) => isPresent)) return planPresent(problem);
  const { deadlineMs, budgetMicros = Infinity, objective } = goal;
  const best = search(problem, deadlineMs, budgetMicros, objective);
  if (best)
    return {
      ...best,
      bound: boundOf(problem),
    };
  if (deadlineMs === undefined && goal.budgetMicros === undefined)
    return noMachine(problem, nearest(problem));
  const inTime = search(problem, deadlineMs, Infinity, "cost");
  const reason = inTime ? "too-dear" : "too-late";
  const found = nearest(problem);
  const isEver = found.nearestDeadlineMs !== undefined || found.nearestBudgetMicros !== undefined;
  if (isEver) return { reason, ...found };
  const nearestBoth = bothNearest(problem);
  return nearestBoth ? { reason, ...found, nearestBoth } : noMachine(problem, found);
}

function noMachine(problem: MixProblem, found: ReturnType<typeof nearest>): NoMix {
  const lacking = lackingGang(problem);
  return { reason: "no-machine", ...found, ...(lacking && { lacking }) };
}

/**
 * The counts of the mix that `planMix` finds, or `known` where they are as good, as those of a plan are that was improved;
 * undefined where the goal cannot be kept.
 */
export function bestCounts(problem: MixProblem, known?: Counts): Counts | undefined {
  const { types, goal } = problem;
  const { deadlineMs, budgetMicros = Infinity, objective } = goal;
  if (types.every(({ isPresent }) => isPresent)) {
    const mix = planPresent(problem);
    return "counts" in mix ? mix.counts : undefined;
  }
  const found = search(problem, deadlineMs, budgetMicros, objective);
  const isThere = known?.every((count, type) => count <= types[type]!.countMax);
  const predicted = known && isThere ? predict(problem, known) : undefined;
  if (!predicted || predicted.costMicros.high > budgetMicros) return found?.counts;
  if (predicted.finishMs.high > (deadlineMs ?? Infinity)) return found?.counts;
  const isAsGood = !found || scoreOf(predicted, objective) <= scoreOf(found.predicted, objective);
  return isAsGood ? known : found.counts;
}

/** With nothing to choose: all machines that are there. */
function planPresent(problem: MixProblem): Mix | NoMix {
  const { types, goal } = problem;
  const { deadlineMs = Infinity, budgetMicros = Infinity, objective } = goal;
  const counts = types.map(({ countMax }) => countMax);
  const predicted = predict(problem, counts);
  if (!predicted)
    return noMachine(problem, { nearestDeadlineMs: undefined, nearestBudgetMicros: undefined });
  const { finishMs, costMicros } = predicted;
  const isInTime = finishMs.high <= deadlineMs;
  if (isInTime && costMicros.high <= budgetMicros) {
    const bound = reachedBy(predicted, objective) ?? 0;
    return { counts, predicted, bound };
  }
  return {
    reason: isInTime ? "too-dear" : "too-late",
    nearestDeadlineMs: costMicros.high <= budgetMicros ? finishMs.high : undefined,
    nearestBudgetMicros: isInTime ? Math.ceil(costMicros.high) : undefined,
    ...(!isInTime &&
      costMicros.high > budgetMicros && {
        nearestBoth: { deadlineMs: finishMs.high, budgetMicros: Math.ceil(costMicros.high) },
      }),
  };
}

/** The nearest goals that can be held, one of them moved at a time. */
function nearest(problem: MixProblem): Pick<NoMix, "nearestDeadlineMs" | "nearestBudgetMicros"> {
  const { deadlineMs, budgetMicros = Infinity } = problem.goal;
  const fast = search(problem, undefined, budgetMicros, "time");
  const cheap = search(problem, deadlineMs, Infinity, "cost");
  return {
    nearestDeadlineMs: fast?.predicted.finishMs.high,
    nearestBudgetMicros: cheap && Math.ceil(cheap.predicted.costMicros.high),
  };
}

/** The nearest goal with both of them moved: as early as can be, for the least that this costs. */
function bothNearest(problem: MixProblem): NoMix["nearestBoth"] {
  const fast = search(problem, undefined, Infinity, "time");
  const deadlineMs = fast?.predicted.finishMs.high;
  const cheap =
    deadlineMs === undefined ? undefined : search(problem, deadlineMs, Infinity, "cost");
  if (!fast || deadlineMs === undefined) return undefined;
  const { costMicros } = (cheap ?? fast).predicted;
  return { deadlineMs, budgetMicros: Math.ceil(costMicros.high) };
}

type Found = Omit<Mix, "bound">;

function search(
  problem: MixProblem,
  deadlineMs: number | undefined,
  budgetMicros: number,
  objective: Objective,
): Found | undefined {
  const keeps = ({ finishMs, costMicros }: Prediction) =>
    costMicros.high <= budgetMicros && finishMs.high <= (deadlineMs ?? Infinity);
  const found = bestUntil(problem, deadlineMs, objective, keeps);
  if (found || deadlineMs === undefined) return found;
  // What means to be done later may be done by then: so each goal that is named as the nearest can be planned.
  const later = bestUntil(problem, undefined, objective, keeps);
  if (later || !problem.steps) return later;
  const cost = ({ predicted }: Found) => predicted.costMicros.high;
  const all = waysOf(problem).flatMap((way) => fromAll(way, deadlineMs, keeps) ?? []);
  return all.toSorted((a, b) => cost(a) - cost(b))[0];
}

/**
 * Where steps wait for each other, or for places, more machines may be needed than their work fills: of all that there
 * are, those without which the deadline is not kept, the dearest left out first.
 */
function fromAll(
  problem: MixProblem,
  deadlineMs: number,
  keeps: (predicted: Prediction) => boolean,
): Found | undefined {
  const { types, work } = problem;
  const tasks = work.reduce((sum, kind) => sum + kind.tasks, 0);
  const counts = types.map(({ countMax, isPresent }) =>
    isPresent ? countMax : Math.min(countMax, tasks),
  );
  const isInTime = () => (finishMs(problem, counts, "high") ?? Infinity) <= deadlineMs;
  if (!isInTime()) return undefined;
  const offered = [...counts.keys()].filter((type) => !types[type]!.isPresent);
  const micros = (type: number) => types[type]!.price.microsPerHour;
  for (const type of offered.sort((a, b) => micros(b) - micros(a))) {
    let [few, enough] = [-1, counts[type]!];
    while (enough - few > 1) {
      counts[type] = Math.floor((few + enough) / 2);
      if (isInTime()) enough = counts[type];
      else few = counts[type];
    }
    counts[type] = enough;
  }
  const predicted = predict(problem, counts);
  return predicted && keeps(predicted) ? { counts, predicted } : undefined;
}

function bestUntil(
  problem: MixProblem,
  deadlineMs: number | undefined,
  objective: Objective,
  keeps: (predicted: Prediction) => boolean,
): Found | undefined {
  const score = ({ predicted }: Found) => scoreOf(predicted, objective);
  return waysOf(problem)
    .flatMap((way) => bestAt(way, instantsUpTo(way, deadlineMs), objective, keeps) ?? [])
    .toSorted((a, b) => score(a) - score(b))[0];
}

function bestAt(
  problem: MixProblem,
  instants: readonly number[],
  objective: Objective,
  keeps: (predicted: Prediction) => boolean,
): Found | undefined {
  let best: Found | undefined;
  let bestScore = Infinity;
  const tried = new Set<string>();
  for (const untilMs of instants) {
    const scores = problem.types.map(
      (type) => scoreOfMachine(type, untilMs, objective) ?? Infinity,
    );
    for (const tail of tailsOf(problem)) {
      if (untilMs <= tail) continue;
      const counts = cover(problem, untilMs - tail, scores, "high");
      if (!counts || tried.has(counts.join())) continue;
      tried.add(counts.join());
      const predicted = predict(problem, counts);
      if (!predicted || !keeps(predicted)) continue;
      const score = scoreOf(predicted, objective);
      if (score >= bestScore) continue;
      best = { counts, predicted };
      bestScore = score;
    }
  }
  return best;
}

/** How much before the end all work that does not wait may have to be done. Where steps wait for each other, only playing it out tells. */
function tailsOf(problem: MixProblem): number[] {
  const tail = tailMs(problem, "high");
  if (!problem.steps) return [tail];
  const least = lateMs(problem);
  return [...new Set([tail, (tail + least) / 2, least])];
}

/** The objective counts most, and what is unknown of it most of all; what is equal by it is decided by time, or cost. */
export function scoreOf(predicted: Prediction, objective: Objective): number {
  const { finishMs, costMicros } = predicted;
  const other = objective === "time" ? costMicros.high : finishMs.high;
  return (reachedBy(predicted, objective) ?? Infinity) + other / 1e9;
}

/** What comes of machines of these counts; undefined where they never end the work. */
export function predict(problem: MixProblem, counts: Counts): Prediction | undefined {
  const likely = finishMs(problem, counts, "likely");
  const high = finishMs(problem, counts, "high");
  if (likely === undefined || high === undefined) return undefined;
  const band = (of: (untilMs: number) => number): Band => ({ likely: of(likely), high: of(high) });
  const used = problem.types.flatMap((type, at) =>
    counts[at]! > 0 ? [{ ...type, count: counts[at]! }] : [],
  );
  const sum = (of: (type: (typeof used)[number]) => number) =>
    used.reduce((total, type) => total + type.count * of(type), 0);
  const isPowerKnown = used.every(({ power }) => power !== undefined);
  const isGridKnown = used.every(({ power }) => power?.gramsPerKwh !== undefined);
  return {
    finishMs: { likely, high: Math.max(likely, high) },
    costMicros: band((untilMs) => sum(({ price }) => billOf(price, untilMs))),
    joules: isPowerKnown
      ? band((untilMs) => sum(({ power }) => (power!.watts * untilMs) / 1000))
      : undefined,
    grams: isGridKnown
      ? band((untilMs) => sum(({ power }) => gramsOf(power, untilMs)!))
      : undefined,
  };
}
