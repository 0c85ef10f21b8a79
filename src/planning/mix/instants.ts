import { finishMs } from "./finish.ts";
import type { MixProblem } from "./problem.ts";

/** Instants before the deadline at which a plan may mean to be done. */
const instants = 48;

/** Instants at which a plan may mean to be done, rising: up to the deadline, or as far as makes sense. */
export function instantsUpTo(problem: MixProblem, deadlineMs: number | undefined): number[] {
  const lastMs = lastInstant(problem, deadlineMs);
  if (!(lastMs > 0)) return [];
  const all = problem.types.map(({ countMax }) => countMax);
  const firstMs = Math.min(lastMs, finishMs(problem, all, "high") ?? lastMs);
  const found = new Set([firstMs, lastMs]);
  // Evenly by ratio: from the earliest that is possible to the last.
  for (let at = 1; at < instants; at++)
    found.add(Math.round(firstMs * (lastMs / Math.max(1, firstMs)) ** (at / instants)));
  for (const { price, isPresent } of problem.types) {
    if (isPresent || price.granularityMs < 1000) continue;
    const step =
      price.granularityMs * Math.max(1, Math.ceil(lastMs / price.granularityMs / instants));
    for (let untilMs = step; untilMs <= lastMs; untilMs += step)
      if (untilMs >= firstMs) found.add(untilMs);
  }
  return [...found].sort((a, b) => a - b);
}

/** Without a deadline, the latest that can make sense: what the slowest machine alone would need, all in all. */
function lastInstant(problem: MixProblem, deadlineMs: number | undefined): number {
  if (deadlineMs !== undefined) return deadlineMs;
  const alone = problem.types.flatMap((type, at) => {
    const counts = problem.types.map((_, other) =>
      other === at || problem.types[other]!.isPresent ? 1 : 0,
    );
    const ms = type.countMax > 0 ? finishMs(problem, counts, "high") : undefined;
    return ms === undefined ? [] : [ms];
  });
  const together =
    finishMs(
      problem,
      problem.types.map(({ countMax }) => countMax),
      "high",
    ) ?? 0;
  return Math.max(together, ...alone);
}
