import { indexOfTask } from "#/model/task.ts";
import { unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { addUsage, noUsage, type Usage } from "#/model/usage.ts";
import type { CountsView, KindView, StepView } from "#/model/views.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** Tasks under way, by step. */
export type RunningByStep = ReadonlyMap<string, number>;

/** A step as the API shows it; `running` of its tasks are under way. */
export function stepViewOf(step: StepRecord, running: number): StepView {
  const { name, spec, status } = step;
  const { run } = spec.template;
  return {
    id: name,
    number: indexOfTask(name),
    name: spec.name,
    title: spec.title,
    phase: status.phase,
    after: spec.after,
    driver: run.driver,
    closed: status.closed,
    tasks: countsOf(step, running),
    usage: status.usage,
    startedAt: maybeInstant(status.startedAt),
    endedAt: maybeInstant(status.endedAt),
    reason: status.reason,
    fingerprint: spec.fingerprint,
    ...(run.driver === "runner" && { module: run.module }),
    recorded: spec.recorded,
  };
}

function countsOf(step: StepRecord, leased: number): CountsView {
  const { offered, closed, total, succeeded, failed, cancelled, reused, retried, lost } =
    step.status;
  const unfinished = Math.max(0, unfinishedTasks(step));
  const running = Math.min(leased, unfinished);
  const all = closed ? offered : total;
  const waiting = unfinished - running;
  return {
    total: all,
    offered,
    waiting,
    running,
    succeeded,
    failed,
    cancelled,
    reused,
    retried,
    lost,
  };
}

const noCounts: CountsView = {
  total: 0,
  offered: 0,
  waiting: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  reused: 0,
  retried: 0,
  lost: 0,
};

export interface Folded {
  kinds: KindView[];
  tasks: CountsView;
  usage: Usage;
}

/** Steps of one title as one line each, in the order in which titles came first, and the sum of all. */
export function foldSteps(steps: Iterable<StepRecord>, running: RunningByStep): Folded {
  const kinds = new Map<string, Kind>();
  for (const step of steps) {
    let kind = kinds.get(step.spec.title);
    if (!kind) kinds.set(step.spec.title, (kind = new Kind()));
    kind.add(step, running.get(step.name) ?? 0);
  }
  const all = [...kinds.values()];
  return {
    kinds: [...kinds].map(([title, kind]) => kind.view(title)),
    tasks: all.reduce((sum, { tasks }) => addCounts(sum, tasks), noCounts),
    usage: all.reduce((sum, { usage }) => addUsage(sum, usage), noUsage),
  };
}

class Kind {
  tasks = { ...noCounts };
  usage: Usage = noUsage;
  #steps = 0;
  #phases: KindView["phases"] = {};
  #startedAt = Infinity;
  #endedAt = -Infinity;

  add(step: StepRecord, running: number): void {
    const { phase, startedAt, endedAt, usage } = step.status;
    this.#steps += 1;
    this.#phases[phase] = (this.#phases[phase] ?? 0) + 1;
    this.tasks = addCounts(this.tasks, countsOf(step, running));
    this.usage = addUsage(this.usage, usage);
    this.#startedAt = Math.min(this.#startedAt, startedAt ?? Infinity);
    this.#endedAt = Math.max(this.#endedAt, endedAt ?? Infinity);
  }

  view(title: string): KindView {
    return {
      title,
      steps: this.#steps,
      phases: this.#phases,
      tasks: this.tasks,
      usage: this.usage,
      startedAt: Number.isFinite(this.#startedAt) ? instantOf(this.#startedAt) : undefined,
      endedAt: Number.isFinite(this.#endedAt) ? instantOf(this.#endedAt) : undefined,
    };
  }
}

function addCounts(a: CountsView, b: CountsView): CountsView {
  return {
    total: a.total === undefined || b.total === undefined ? undefined : a.total + b.total,
    offered: a.offered + b.offered,
    waiting: a.waiting + b.waiting,
    running: a.running + b.running,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    reused: a.reused + b.reused,
    retried: a.retried + b.retried,
    lost: a.lost + b.lost,
  };
}
