import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import type { Needs } from "#/model/needs.ts";
import type { PlannedGang, PlannedWork } from "#/model/plan.ts";
import { stepOfTask } from "#/model/task.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { beliefOf, pooled, seenBehind, toldBelief, type Observed } from "#/planning/mix/beliefs.ts";
import { Retries } from "./again.ts";
import { bytesTaken, kindOf, needsOf, needsOfMade, tasksOf } from "./asked-steps.ts";
import type { Past } from "./past.ts";
import { demandOf, gangOf, type Demand, type StepDemand } from "./step-demand.ts";

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

/** What was seen of run times of tasks of a title, in all jobs or in one that runs; undefined when none has ended. */
export type Seen = (
  title: string,
  of?: { job: string; runningMs: readonly number[] },
) => Observed | undefined;

/**
 * What a job would run that has not been submitted. Run times are those that were seen of its kinds of
 * tasks, else what was told. How many tasks a job makes that is written as a function only running it
 * tells: they are taken to be as many as the last time, or as was told. `lines` says how many a blob has.
 */
export function demandOfRequest(
  request: JobRequest,
  parts: { past: Past | undefined; seen: Seen; told: Told; lines?: ReadonlyMap<string, number> },
): Demand | Unknown {
  const { past, seen, told, lines } = parts;
  const main = request.steps.find(({ name }) => name === request.main);
  if (main && main.run.driver === "runner" && main.run.role === "job")
    return demandOfFunction(request.title, needsOfMade(main), parts);
  const counts = new Map<StepRequest, number>();
  const ofKind = new Map<string, number>();
  for (const step of request.steps) {
    if (step.recorded !== undefined) continue;
    const kind = kindOf(step);
    const tasks = tasksOf(step, lines) ?? told.tasks ?? past?.kinds.get(kind)?.tasks;
    if (tasks === undefined) return { unknown: "tasks", kind };
    counts.set(step, tasks);
    ofKind.set(kind, (ofKind.get(kind) ?? 0) + tasks);
  }
  const byName = new Map(request.steps.map((step) => [step.name, step]));
  const steps: StepDemand[] = [];
  for (const [step, tasks] of counts) {
    if (tasks === 0) continue;
    const kind = kindOf(step);
    const observed = seen(kind) ?? observedThen(past, kind);
    const gang = step.gang ? gangOf(step.gang === true ? {} : step.gang, tasks) : undefined;
    const belief = believed(observed, ofKind.get(kind), { toldMs: told.taskMs, gang });
    if (!belief) return { unknown: "run time", kind };
    const { name, after, run } = step;
    const needs = needsOf(step);
    const retried = past?.kinds.get(kind)?.retried;
    const takesBytes = bytesTaken(step, byName, past?.kinds);
    const like = {
      needs,
      driver: run.driver,
      ...(gang && { gang }),
      ...(retried && { retried }),
      ...(takesBytes > 0 && { takesBytes }),
    };
    const work = { kind, tasks, ...belief, ...like };
    steps.push({ name, after, work });
  }
  return demandOf(steps);
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
      ...believed(seen(kind.title) ?? observedThen(past, kind.title), kind.tasks, {
        toldMs: told.taskMs,
        gang: kind.gang,
      })!,
      needs: kind.needs,
      driver: kind.driver,
      ...(kind.gang && { gang: kind.gang }),
      ...(kind.retried > 0 && { retried: kind.retried }),
    }));
    return { kinds, chainMs: past.chainMs };
  }
  if (told.tasks === undefined) return { unknown: "tasks", kind: title };
  if (told.taskMs === undefined) return { unknown: "run time", kind: title };
  const kind = {
    kind: title,
    tasks: told.tasks,
    ...believed(undefined, undefined, { toldMs: told.taskMs })!,
    needs,
    driver: "runner",
  };
  return { kinds: [kind], chainMs: told.taskMs };
}

/** A task under way, and for how long it has been. */
export interface UnderWay {
  readonly task: string;
  readonly ranMs: number;
}

/** Of a task under way, at most this share counts as done: nobody knows how long it still takes. */
const doneMax = 0.8;

/**
 * What is left of a job that runs: tasks that it has made and that have not ended, less what of those under
 * way is done, and of those that its plan expects the rest. Until a task has ended, run times are those of its plan.
 */
export function demandOfJob(
  job: string,
  parts: {
    steps: Iterable<StepRecord>;
    planned: readonly PlannedWork[];
    underWay: readonly UnderWay[];
    seen: Seen;
    isOpen: boolean;
    /** Names of steps in the order that its plan has. */
    order?: readonly string[] | undefined;
  },
): Demand {
  const { planned, seen, isOpen } = parts;
  const ofPlan = new Map(planned.map((kind) => [kind.kind, kind]));
  const ofStep = Map.groupBy(parts.underWay, ({ task }) => stepOfTask(task));
  const places = new Map(parts.order?.map((name, place) => [name, place]));
  const made = new Map<string, Made>();
  for (const step of parts.steps) {
    const { title, template } = step.spec;
    if (template.run.driver === "runner" && template.run.role === "job") continue;
    const one = made.get(title) ?? { offered: 0, open: [], retries: new Retries() };
    made.set(title, one);
    one.retries.add(step.status);
    const { closed, offered, total = offered } = step.status;
    one.offered += Math.max(offered, total);
    if (hasStepEnded(step)) continue;
    const left = (closed ? 0 : Math.max(0, total - offered)) + unfinishedTasks(step);
    const ranMs = (ofStep.get(step.name) ?? []).map((task) => task.ranMs);
    if (left > 0) one.open.push({ step, left, ranMs });
  }
  const steps: StepDemand[] = [];
  for (const [title, { offered, open, retries }] of made) {
    const plan = ofPlan.get(title);
    // What the plan expects and the job has not made yet may still come, while more may be added.
    const expected = isOpen ? Math.max(0, (plan?.tasks ?? 0) - offered) : 0;
    const left = open.reduce((sum, one) => sum + one.left, 0);
    const runningMs = open.flatMap(({ ranMs }) => ranMs);
    const observed = seen(title, { job, runningMs });
    const gangs = open.map(({ step: { spec }, left: of }) => spec.gang && gangOf(spec.gang, of));
    const gang = gangs.find((one) => one !== undefined) ?? plan?.gang;
    const believedNow = beliefNow(observed, plan ?? planned[0], left + expected, gang);
    if (!believedNow) continue;
    const takesBytes = plan?.takesBytes;
    const known = { ...believedNow, retried: retries.share(plan?.retried), takesBytes };
    for (const [at, one] of open.entries())
      steps.push({
        ...leftOf(one, title, known, gangs[at]),
        place: places.get(one.step.spec.name),
      });
    if (expected === 0 || (open.length === 0 && !plan)) continue;
    const { needs, driver } = steps.at(-1)?.work.kind === title ? steps.at(-1)!.work : plan!;
    const like = { kind: title, tasks: expected, needs, driver, ...(gang && { gang }) };
    const work = { ...fieldsOf(known), ...like };
    steps.push({ name: `${title} to come`, after: [], work });
  }
  for (const kind of isOpen ? planned : [])
    if (!made.has(kind.kind) && !isToldWhole(kind, made))
      steps.push({ name: `${kind.kind} to come`, after: [], work: kind });
  return demandOf(steps);
}

/** What is left of a step; what those under way have done of theirs does not count. */
function leftOf(
  { step, left, ranMs }: Open,
  title: string,
  known: Believed,
  gang: PlannedGang | undefined,
): StepDemand {
  const { needs, run } = step.spec.template;
  // a gang that ends as a whole takes as long as its longest task, and its places to its end
  const ownMs = gang?.isWhole ? known.longMs : known.meanMs;
  const done = ranMs.reduce((sum, ms) => sum + Math.min(doneMax, ms / ownMs), 0);
  const tasks = gang?.isWhole ? left : Math.max(1, Math.ceil(left - done));
  const like = { kind: title, tasks, needs, driver: run.driver, ...(gang && { gang }) };
  const work = { ...fieldsOf(known), ...like };
  return {
    name: step.name,
    after: step.spec.after,
    work,
    share: Math.min(1, (left - done) / tasks),
  };
}

/** What a job has made of one kind. */
interface Made {
  offered: number;
  open: Open[];
  retries: Retries;
}

/** A step that has not ended. */
interface Open {
  step: StepRecord;
  /** Tasks that have not ended, and for how long those of them have run that are under way. */
  left: number;
  ranMs: number[];
}

/** What a person said counts as so many tasks that were seen; and what was seen in other jobs as so many at most. */
const toldCount = 4;
const otherJobsMax = 20;

/** What was seen of a job's tasks, and what its plan believed. */
function beliefNow(
  observed: Observed | undefined,
  plan: PlannedWork | undefined,
  tasks: number,
  gang: PlannedGang | undefined,
): Believed | undefined {
  if (!observed || !plan) return believed(observed, tasks, { gang }) ?? plan;
  const count = plan.seen === "told" ? toldCount : Math.min(plan.seen, otherJobsMax);
  const both = pooled(observed, seenBehind(plan, count));
  return { ...beliefOf(both, tasks, togetherOf(gang)), seen: observed.count };
}

/** What was told of a job as a whole stands for its tasks only until it has made some. */
function isToldWhole({ seen }: PlannedWork, made: ReadonlyMap<string, unknown>): boolean {
  return seen === "told" && made.size > 0;
}

function fieldsOf(known: Believed): Believed {
  const { meanMs, meanHighMs, longMs, seen, retried, takesBytes } = known;
  const more = { ...(retried && { retried }), ...(takesBytes && { takesBytes }) };
  return { meanMs, meanHighMs, longMs, seen, ...more };
}

type Believed = Pick<PlannedWork, "meanMs" | "meanHighMs" | "longMs" | "seen"> & {
  retried?: number | undefined;
  takesBytes?: number | undefined;
};

function believed(
  observed: Observed | undefined,
  tasks: number | undefined,
  { toldMs, gang }: { toldMs?: number | undefined; gang?: PlannedGang | undefined },
): Believed | undefined {
  if (observed && observed.count > 0)
    return { ...beliefOf(observed, tasks, togetherOf(gang)), seen: observed.count };
  return toldMs === undefined ? undefined : { ...toldBelief(toldMs), seen: "told" };
}

/** Tasks of which the longest counts. */
function togetherOf(gang: PlannedGang | undefined): number | undefined {
  return gang?.isWhole ? gang.atOnce : undefined;
}

/** What a job of before says of a kind; its tasks are taken to have varied by half of their mean. */
function observedThen(past: Past | undefined, title: string): Observed | undefined {
  const kind = past?.kinds.get(title);
  return kind && { count: kind.tasks, meanMs: kind.meanMs, variance: (kind.meanMs / 2) ** 2 };
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
