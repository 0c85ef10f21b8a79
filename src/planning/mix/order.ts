import type { Random } from "#/base/random.ts";
import { planSchedule } from "../schedule/schedule.ts";
import type { PlanProblem } from "../schedule/problem.ts";
import { movedFor } from "./moves.ts";
import { stepsFinishMs } from "./precedence.ts";
import type { Counts, MixProblem, MixStep } from "./problem.ts";

/** An order must end the work so much earlier than upward ranks do, to be worth being told. */
const gainMin = 0.01;

/**
 * An order of the steps with which a mix ends its work earlier than by upward rank: that of the best schedule
 * found until `isOver`. The steps with their places in it; undefined where it gains less than 1 %.
 */
export function orderSteps(
  asked: MixProblem,
  counts: Counts,
  options: { random: Pick<Random, "fraction">; isOver: () => boolean },
): readonly MixStep[] | undefined {
  const problem = movedFor(asked, counts);
  const steps = problem.steps ?? [];
  const tasks = scheduleOf(problem, counts);
  const usual = stepsFinishMs(problem, counts, "likely");
  if (usual === undefined || tasks.problem.machines.length === 0) return undefined;
  const { starts } = planSchedule(tasks.problem, options);
  const firstStart = steps.map((_, step) => starts[tasks.first[step]!]!);
  for (const [task, step] of tasks.steps.entries())
    firstStart[step] = Math.min(firstStart[step]!, starts[task]!);
  const byStart = [...steps.keys()].sort((a, b) => firstStart[a]! - firstStart[b]!);
  const places = new Map(byStart.map((step, place) => [step, place]));
  const ordered = steps.map((step, number) => ({ ...step, place: places.get(number)! }));
  const found = stepsFinishMs({ ...problem, steps: ordered }, counts, "likely");
  return found !== undefined && found < usual * (1 - gainMin) ? ordered : undefined;
}

/** The steps task by task, and the machines of a mix; `first` task of each step, and the step of each task. */
function scheduleOf(
  { steps = [], work, types }: MixProblem,
  counts: Counts,
): { problem: PlanProblem; first: number[]; steps: number[] } {
  // What a task takes of a machine: the least that holds on all types, in parts of the largest.
  const most = work.map((_, kind) => Math.max(...types.map(({ slots }) => slots[kind]!)));
  const whole = 5040;
  const needs = most.map((slots) => (slots > 0 ? Math.max(1, Math.floor(whole / slots)) : whole));
  const first: number[] = [];
  const stepOf: number[] = [];
  for (const [step, { tasks }] of steps.entries()) {
    first.push(stepOf.length);
    for (let task = 0; task < tasks; task++) stepOf.push(step);
  }
  const used = types.flatMap((type, at) => Array.from({ length: counts[at]! }, () => type));
  const tasks = stepOf.map((step) => {
    const { kind, share = 1, after } = steps[step]!;
    const ms = Math.max(1, work[kind]!.runTime.meanMs * share);
    return {
      duration: used.map(({ slots, speed, moveMs }) =>
        slots[kind]! > 0 ? ms / speed + (moveMs?.[kind] ?? 0) : Infinity,
      ),
      needs: [needs[kind]!],
      after: after.flatMap((before) =>
        Array.from({ length: steps[before]!.tasks }, (_, task) => ({
          task: first[before]! + task,
          bytes: 0,
        })),
      ),
    };
  });
  const machines = used.map(({ slots, bootMs }) => ({
    capacity: [Math.max(...slots.map((count, kind) => count * needs[kind]!))],
    from: bootMs,
  }));
  return { problem: { tasks, machines }, first, steps: stepOf };
}
