import { topologicalOrder } from "#/model/graph.ts";
import { gridSize } from "#/model/grid.ts";
import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import type { Needs } from "#/model/needs.ts";
import type { PlannedWork } from "#/model/plan.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { beliefOf, toldBelief, type Observed } from "#/planning/mix/beliefs.ts";
import type { Past } from "./past.ts";

/** What is to run of a job. */
export interface Demand {
  readonly kinds: readonly PlannedWork[];
  readonly chainMs: number;
}

/** What a person said of the work: so many tasks, each so long. */
export interface Told {
  readonly tasks?: number | undefined;
  readonly taskMs?: number | undefined;
}

/** A kind of tasks of which it is not known how many there are, or how long they take. */
export interface Unknown {
  readonly unknown: "tasks" | "run time";
  readonly kind: string;
}

/** What was seen of run times of tasks of a title, in a job that runs or in all; undefined when none has finished. */
export type Seen = (title: string, job?: string) => Observed | undefined;

/**
 * What a job would run that has not been submitted. Run times are those that were seen of its kinds of
 * tasks, else what was told. How many tasks a job makes that is written as a function only running it
 * tells: they are taken to be as many as the last time, or as was told. `lines` says how many an object has.
 */
export function demandOfRequest(
  request: JobRequest,
  parts: { past: Past | undefined; seen: Seen; told: Told; lines?: ReadonlyMap<string, number> },
): Demand | Unknown {
  const { past, seen, told, lines } = parts;
  const main = request.steps.find(({ name }) => name === request.main);
  if (main && main.run.driver === "runner" && main.run.role === "job")
    return demandOfFunction(request.title, needsOf(main), parts);
  const kinds: PlannedWork[] = [];
  const stepMs = new Map<string, number>();
  for (const step of request.steps) {
    const kind = step.title ?? step.name;
    const tasks =
      step.recorded === undefined
        ? (tasksOf(step, lines) ?? told.tasks ?? past?.kinds.get(kind)?.tasks)
        : 0;
    if (tasks === undefined) return { unknown: "tasks", kind };
    if (tasks === 0) continue;
    const belief = believed(seen(kind) ?? observedThen(past, kind), told.taskMs);
    if (!belief) return { unknown: "run time", kind };
    kinds.push({ kind, tasks, ...belief, needs: needsOf(step), driver: step.run.driver });
    stepMs.set(step.name, belief.meanMs);
  }
  const after = new Map(request.steps.map((step) => [step.name, step.after]));
  return { kinds: joined(kinds), chainMs: longestChain(after, stepMs) };
}

function demandOfFunction(
  title: string,
  needs: Needs,
  { past, seen, told }: { past: Past | undefined; seen: Seen; told: Told },
): Demand | Unknown {
  if (past && past.kinds.size > 0) {
    const scale =
      told.tasks === undefined
        ? 1
        : told.tasks / sumOf([...past.kinds.values()], ({ tasks }) => tasks);
    const kinds = [...past.kinds.values()].map((kind) => ({
      kind: kind.title,
      tasks: Math.max(1, Math.round(kind.tasks * scale)),
      ...believed(seen(kind.title) ?? observedThen(past, kind.title), told.taskMs)!,
      needs: kind.needs,
      driver: kind.driver,
    }));
    return { kinds, chainMs: past.chainMs };
  }
  if (told.tasks === undefined) return { unknown: "tasks", kind: title };
  if (told.taskMs === undefined) return { unknown: "run time", kind: title };
  const kind = {
    kind: title,
    tasks: told.tasks,
    ...believed(undefined, told.taskMs)!,
    needs,
    driver: "runner",
  };
  return { kinds: [kind], chainMs: told.taskMs };
}

/**
 * What is left of a job that runs: tasks that it has made and that have not ended, and of those that its
 * plan expects the rest. `ranMs` is how long its running tasks have run, by title: they are counted as the
 * part that is left of them.
 */
export function demandOfJob(
  job: string,
  parts: {
    steps: Iterable<StepRecord>;
    planned: readonly PlannedWork[];
    seen: Seen;
    isOpen: boolean;
  },
): Demand {
  const { planned, seen, isOpen } = parts;
  const ofPlan = new Map(planned.map((kind) => [kind.kind, kind]));
  const made = new Map<string, { left: number; offered: number; step: StepRecord }>();
  const after = new Map<string, readonly string[]>();
  const stepMs = new Map<string, number>();
  const beliefs = new Map<string, ReturnType<typeof believed>>();
  const belief = (title: string) => {
    if (!beliefs.has(title))
      beliefs.set(title, believed(seen(title, job)) ?? ofPlan.get(title) ?? planned[0]);
    return beliefs.get(title);
  };
  for (const step of parts.steps) {
    const { title, template } = step.spec;
    if (template.run.driver === "runner" && template.run.role === "job") continue;
    const { closed, offered, total = offered } = step.status;
    const before = made.get(title) ?? { left: 0, offered: 0, step };
    const left = hasStepEnded(step)
      ? 0
      : (closed ? 0 : Math.max(0, total - offered)) + unfinishedTasks(step);
    made.set(title, {
      left: before.left + left,
      offered: before.offered + Math.max(offered, total),
      step,
    });
    if (left === 0) continue;
    after.set(step.name, step.spec.after);
    stepMs.set(step.name, belief(title)?.meanMs ?? 0);
  }
  const kinds: PlannedWork[] = [];
  for (const [title, { left, offered, step }] of made) {
    const known = belief(title);
    // What the plan expects and the job has not made yet may still come, while more may be added.
    const expected = isOpen ? Math.max(0, (ofPlan.get(title)?.tasks ?? 0) - offered) : 0;
    if (known && left + expected > 0)
      kinds.push({
        ...fieldsOf(known),
        kind: title,
        tasks: left + expected,
        needs: step.spec.template.needs,
        driver: step.spec.template.run.driver,
      });
  }
  for (const kind of isOpen ? planned : [])
    if (!made.has(kind.kind) && !isToldWhole(kind, made)) kinds.push(kind);
  return { kinds, chainMs: longestChain(after, stepMs) };
}

/** What was told of a job as a whole stands for its tasks only until it has made some. */
function isToldWhole({ seen }: PlannedWork, made: ReadonlyMap<string, unknown>): boolean {
  return seen === "told" && made.size > 0;
}

function fieldsOf({ meanMs, meanHighMs, longMs, seen }: Believed): Believed {
  return { meanMs, meanHighMs, longMs, seen };
}

type Believed = Pick<PlannedWork, "meanMs" | "meanHighMs" | "longMs" | "seen">;

function believed(observed: Observed | undefined, toldMs?: number): Believed | undefined {
  if (observed && observed.count > 0) return { ...beliefOf(observed), seen: observed.count };
  return toldMs === undefined ? undefined : { ...toldBelief(toldMs), seen: "told" };
}

/** What a job of before says of a kind; its tasks are taken to have varied by half of their mean. */
function observedThen(past: Past | undefined, title: string): Observed | undefined {
  const kind = past?.kinds.get(title);
  return kind && { count: kind.tasks, meanMs: kind.meanMs, variance: (kind.meanMs / 2) ** 2 };
}

/** Undefined where only running tells. */
function tasksOf(
  { source }: StepRequest,
  lines: ReadonlyMap<string, number> | undefined,
): number | undefined {
  if (source.type === "lines") return lines?.get(source.object);
  if (source.type === "inputs") return source.inputs.length;
  return source.type === "grid" ? gridSize(source.parameters) : undefined;
}

function needsOf({ needs }: StepRequest): Needs {
  const { cpus, memoryBytes, labels } = needs;
  return { milliCpus: Math.round(cpus * 1000), memoryBytes, labels };
}

/** Kinds of one title and equal needs as one. */
function joined(kinds: readonly PlannedWork[]): PlannedWork[] {
  const found = new Map<string, PlannedWork>();
  for (const kind of kinds) {
    const key = JSON.stringify([kind.kind, kind.needs, kind.driver]);
    const before = found.get(key);
    found.set(key, before ? { ...before, tasks: before.tasks + kind.tasks } : kind);
  }
  return [...found.values()];
}

function longestChain(
  after: ReadonlyMap<string, readonly string[]>,
  stepMs: ReadonlyMap<string, number>,
): number {
  const endsMs = new Map<string, number>();
  let longestMs = 0;
  for (const name of topologicalOrder(after)) {
    const beginMs = Math.max(0, ...after.get(name)!.map((before) => endsMs.get(before) ?? 0));
    const endMs = beginMs + (stepMs.get(name) ?? 0);
    endsMs.set(name, endMs);
    longestMs = Math.max(longestMs, endMs);
  }
  return longestMs;
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
