import type { Counts, MixProblem } from "./problem.ts";

const known = new WeakMap<MixProblem, MixProblem>();

/** The same where everything that a task takes is at hand: no mix does better. */
export function unmoved(problem: MixProblem): MixProblem {
  if (problem.types.every(({ moveMs }) => !moveMs)) return problem;
  let found = known.get(problem);
  if (!found) {
    const types = problem.types.map(({ moveMs: _, ...type }) => type);
    known.set(problem, (found = { ...problem, types }));
  }
  return found;
}

/** As it is on machines of these counts: at one site nothing has to be brought from another. */
export function movedFor(problem: MixProblem, counts: Counts): MixProblem {
  return sitesOf(problem, (type) => counts[type]! > 0).size > 1 ? problem : unmoved(problem);
}

/** The ways to use sites: all of them, with what that moves, and, where something does, each of them alone. */
export function waysOf(problem: MixProblem): MixProblem[] {
  const { types } = problem;
  if (unmoved(problem) === problem) return [problem];
  const all = sitesOf(problem, (type) => types[type]!.countMax > 0);
  if (all.size <= 1) return [unmoved(problem)];
  const used = sitesOf(problem, (type) => types[type]!.isPresent && types[type]!.countMax > 0);
  if (used.size > 1) return [problem];
  const alone = [...(used.size > 0 ? used : all)].map((one) => ({
    ...unmoved(problem),
    types: unmoved(problem).types.map((type) =>
      type.site === one ? type : { ...type, countMax: 0 },
    ),
  }));
  return [problem, ...alone];
}

function sitesOf({ types }: MixProblem, isOf: (type: number) => boolean): Set<string | undefined> {
  return new Set(types.flatMap(({ site }, type) => (isOf(type) ? [site] : [])));
}
