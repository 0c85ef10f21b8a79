import { limits } from "#/base/limits.ts";
import { topologicalOrder } from "#/model/graph.ts";
import type { PlannedGang, PlannedWork, PlanSpec } from "#/model/plan.ts";
import type { GangSpec } from "#/model/step.ts";
import type { MixProblem, MixStep } from "#/planning/mix/problem.ts";

/** What is to run of a job. */
export interface Demand {
  readonly kinds: readonly PlannedWork[];
  /** Of tasks that wait for each other, the longest chain. */
  readonly chainMs: number;
  /** By step, where steps wait for each other or tasks run at once, and are not too many. */
  readonly steps?: readonly MixStep[];
}

/** What is to run of one step: `work.tasks` of a kind. */
export interface StepDemand {
  readonly name: string;
  /** Its place in an order that its job's plan has. */
  readonly place?: number | undefined;
  readonly after: readonly string[];
  readonly work: PlannedWork;
  /** Of the run time of a task, the part that is left; 1 when absent. */
  readonly share?: number;
}

/** Steps with their kinds; those of one title, equal needs and equal gangs are one kind. */
export function demandOf(all: readonly StepDemand[]): Demand {
  const kinds: PlannedWork[] = [];
  const numbers = new Map<string, number>();
  const kindOfStep = all.map(({ work, share = 1 }) => {
    const key = JSON.stringify([work.kind, work.needs, work.driver, work.gang]);
    const known = numbers.get(key);
    const number = known ?? kinds.push({ ...work, tasks: 0 }) - 1;
    if (known === undefined) numbers.set(key, number);
    const before = kinds[number]!;
    const tasks = before.tasks + work.tasks * share;
    const bytes =
      before.tasks * (before.takesBytes ?? 0) + (tasks - before.tasks) * (work.takesBytes ?? 0);
    kinds[number] = { ...before, tasks, ...(bytes > 0 && { takesBytes: bytes / tasks }) };
    return number;
  });
  for (const [number, kind] of kinds.entries())
    kinds[number] = { ...kind, tasks: Math.max(1, Math.ceil(kind.tasks - 1e-9)) };
  const stepNumbers = new Map(all.map(({ name }, number) => [name, number]));
  const after = all.map((step) => step.after.flatMap((name) => stepNumbers.get(name) ?? []));
  const lengthsMs = all.map(({ work, share = 1 }) => work.meanMs * share);
  const chainMs = longestChain(after, lengthsMs);
  const tasks = all.reduce((sum, { work }) => sum + work.tasks, 0);
  const isPlayed = after.some(({ length }) => length > 0) || kinds.some(({ gang }) => gang);
  if (!isPlayed || tasks > limits.planStepTasksMax) return { kinds, chainMs };
  const steps = all.map(({ name, work, place, share = 1 }, number) => ({
    name,
    kind: kindOfStep[number]!,
    tasks: work.tasks,
    after: after[number]!,
    share,
    ...(place !== undefined && { place }),
  }));
  return { kinds, chainMs, steps };
}

/** What a step's gang, of so many tasks, needs at one moment. */
export function gangOf({ minimum }: GangSpec, tasks: number): PlannedGang {
  return { atOnce: Math.min(minimum ?? tasks, tasks), isWhole: minimum === undefined };
}

/** What a plan was made for, its steps in the order that it has. */
export function plannedDemand({ work, chainMs, order, asked }: PlanSpec): Demand {
  const { steps } = (asked as { problem: MixProblem } | undefined)?.problem ?? {};
  return withOrder({ kinds: work, chainMs, ...(steps && { steps }) }, order);
}

/** The same with its steps in an order that was planned. */
export function withOrder(demand: Demand, order: readonly string[] | undefined): Demand {
  if (!demand.steps || !order) return demand;
  const places = new Map(order.map((name, place) => [name, place]));
  const steps = demand.steps.map((step) => {
    const place = places.get(step.name);
    return place === undefined ? step : { ...step, place };
  });
  return { ...demand, steps };
}

function longestChain(after: readonly (readonly number[])[], lengthsMs: readonly number[]): number {
  const endsMs = new Map<string, number>();
  const names = new Map(after.map((before, step) => [`${step}`, before.map(String)]));
  let longestMs = 0;
  for (const name of topologicalOrder(names)) {
    const beginMs = Math.max(0, ...names.get(name)!.map((before) => endsMs.get(before) ?? 0));
    const endMs = beginMs + lengthsMs[Number(name)]!;
    endsMs.set(name, endMs);
    longestMs = Math.max(longestMs, endMs);
  }
  return longestMs;
}
