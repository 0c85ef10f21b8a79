import { leastScores, workUntilMs, type Stretch } from "./bound.ts";
import type { Counts, MixProblem } from "./problem.ts";
import { gangKinds, placesNeeded, placesWithin } from "./gangs.ts";
import { shareOfTask, tasksWithin } from "./pace.ts";
import { tasksInWindow } from "./windows.ts";

/** The values of variables, by name. */
export type Values = Readonly<Record<string, number>>;

/**
 * The least that a mix done within a stretch costs (or emits), as a program in CPLEX's LP format: `n…` machines of
 * each type, and `x…` tasks of each kind on machines of each type. Each task takes its share of what one machine
 * can end, and all tasks of each kind are to be ended, in the time that others leave them that they wait for; those
 * that run at once have their places.
 */
export function programOf(problem: MixProblem, { fromMs, toMs }: Stretch): string {
  const { types, work } = problem;
  const scores = leastScores(problem, fromMs);
  const byMs = workUntilMs(problem, toMs);
  const rooms = types.map<string[]>(() => []);
  const tasks = work.map<string[]>(() => []);
  const windows: string[] = [];
  const gangs = gangKinds(problem).map((kind) => {
    const places = types.map((_, type) => placesWithin(problem, kind, type, byMs, "high"));
    const needed = placesNeeded(problem, kind, byMs, "high");
    return ` gang${kind}: ${places.map((each, type) => `${each} n${type}`).join(" + ")} >= ${needed}`;
  });
  for (const kind of work.keys()) {
    for (const type of types.keys()) {
      const each = tasksWithin(problem, kind, type, byMs, "high");
      if (each === 0) continue;
      // Played out, tasks of unlike length may follow each other: only the time that each takes is sure.
      const share = problem.steps ? shareOfTask(problem, kind, type, byMs, "high") : 1 / each;
      rooms[type]!.push(`${decimal(share)} x${kind}_${type}`);
      tasks[kind]!.push(`x${kind}_${type}`);
      const most = tasksInWindow(problem, kind, type, byMs, "high");
      if (most < each)
        windows.push(` window${kind}_${type}: x${kind}_${type} - ${most} n${type} <= 0`);
    }
  }
  const lines = [
    "Minimize",
    ` score: ${types.map((_, type) => `${decimal(scores[type]!)} n${type}`).join(" + ")}`,
    "Subject To",
    ...types.map((_, type) => ` room${type}: ${[...rooms[type]!, `-1 n${type}`].join(" + ")} <= 0`),
    ...work.map(
      ({ tasks: count }, kind) =>
        ` tasks${kind}: ${tasks[kind]!.length > 0 ? tasks[kind]!.join(" + ") : "0 n0"} >= ${count}`,
    ),
    ...windows,
    ...gangs,
    "Bounds",
    ...types.map(({ countMax, isPresent }, type) =>
      isPresent ? ` n${type} = ${countMax}` : ` 0 <= n${type} <= ${countMax}`,
    ),
    "Generals",
    ` ${types.map((_, type) => `n${type}`).join(" ")}`,
    "End",
  ];
  return lines.join("\n");
}

/** What a solution says. */
export function countsOf({ types }: MixProblem, values: Values): Counts {
  return types.map((_, type) => Math.round(values[`n${type}`] ?? 0));
}

/** Exact, and without an exponent that the format does not have. */
function decimal(value: number): string {
  return value.toPrecision(15);
}
