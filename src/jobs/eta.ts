import { topologicalOrder } from "#/model/graph.ts";
import type { JobRecord } from "#/model/job.ts";
import type { Capacity, Needs } from "#/model/needs.ts";
import { parentOf } from "#/model/record.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import {
  addBuckets,
  residualMs,
  histogramOf,
  type RunTimeHistogram,
} from "#/model/run-time-histogram.ts";

/** When a job will have ended, counted from now: nine times in ten between low and high. */
export interface Eta {
  lowMs: number;
  likelyMs: number;
  highMs: number;
  /** More steps or tasks may still be added: it holds for those known now. */
  partial: boolean;
}

/** A task that runs now, and for how long it has. */
export interface RunningNow {
  task: string;
  ranMs: number;
}

/** A normal variable is between -1.645 and 1.645 deviations nine times in ten. */
const deviations = 1.645;
/** How far a run time borrowed from another kind of task may be off, as a share of it. */
const borrowedDoubt = 1;

/**
 * Two things bound when a job ends: the work that is left, spread over the whole capacity, and the
 * longest chain of tasks that must wait for each other. Whoever always keeps free machines busy ends
 * no earlier than the larger of the two and no later than their sum, less the chain's own share of
 * the capacity (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969). The range adds what
 * is not known of the run times: their spread, and how few of them have been seen. A step without a
 * finished task borrows from steps of its title, else from the whole job.
 *
 * Undefined while no task has finished, or nothing is left that is known. `capacity` is what the job
 * may use of all machines together.
 */
export function eta(
  job: JobRecord,
  steps: Iterable<StepRecord>,
  running: readonly RunningNow[],
  capacity: Capacity,
): Eta | undefined {
  const all = [...steps];
  const known = new History(all);
  const ran = Map.groupBy(running, ({ task }) => parentOf(task));
  const works = new Map<string, Work>();
  let partial = job.status.open;
  for (const step of all) {
    if (hasStepEnded(step) || isWaiter(step)) continue;
    const tasks = remainingTasks(step);
    if (tasks === undefined) partial = true;
    const times = known.of(step);
    if (!times) return undefined;
    const now = ran.get(step.name)?.map(({ ranMs }) => ranMs) ?? [];
    works.set(step.name, workOf(step, tasks ?? unfinishedTasks(step), times, now, capacity));
  }
  if (works.size === 0 || ![...works.values()].some(({ tasks }) => tasks > 0)) return undefined;
  const area = areaOf(works.values());
  const path = longestPath(works);
  const low = Math.max(area.meanMs - area.doubtMs, path.meanMs - path.doubtMs, 0);
  const likely = Math.max(area.meanMs + area.tailMs / 2, path.meanMs);
  const high = Math.max(area.meanMs + area.doubtMs + area.tailMs, 0) + path.doubtMs;
  const spread = Math.max(high, path.meanMs + path.doubtMs, likely);
  return { lowMs: Math.min(low, likely), likelyMs: likely, highMs: spread, partial };
}

/** What is left of one step. */
interface Work {
  after: readonly string[];
  tasks: number;
  /** The share of the capacity that one of its tasks holds. */
  share: number;
  times: RunTimeHistogram & { isBorrowed: boolean };
  /** Of all its tasks, one after the other. */
  sumMs: number;
  /** Of the one that ends last, when none has to wait. */
  lastMs: number;
}

interface Bound {
  meanMs: number;
  /** How far it may be off, either way. */
  doubtMs: number;
}

function workOf(
  step: StepRecord,
  tasks: number,
  times: Work["times"],
  ranMs: readonly number[],
  capacity: Capacity,
): Work {
  const running = ranMs.slice(0, tasks).map((ms) => residualMs(times, ms));
  const waiting = tasks - running.length;
  return {
    after: step.spec.after,
    tasks,
    share: shareOf(step.spec.template.needs, capacity),
    times,
    sumMs: waiting * times.meanMs + running.reduce((sum, ms) => sum + ms, 0),
    lastMs: waiting > 0 ? times.meanMs : Math.max(0, ...running),
  };
}

function shareOf(needs: Needs, capacity: Capacity): number {
  const cpus = needs.milliCpus / Math.max(1, capacity.milliCpus);
  const memory = needs.memoryBytes / Math.max(1, capacity.memoryBytes);
  return Math.min(1, Math.max(cpus, memory));
}

/** The work over the whole capacity. `tailMs`: in the end machines stand idle, for a task at most. */
function areaOf(works: Iterable<Work>): Bound & { tailMs: number } {
  let meanMs = 0;
  let variance = 0;
  let tailMs = 0;
  for (const { tasks, share, times, sumMs, lastMs } of works) {
    meanMs += share * sumMs;
    variance += share ** 2 * sumVariance(tasks, times);
    tailMs = Math.max(tailMs, (1 - share) * lastMs);
  }
  return { meanMs, doubtMs: deviations * Math.sqrt(variance), tailMs };
}

/** Of `tasks` tasks: each one's own spread, and what all have in common, that their mean is not known well. */
function sumVariance(
  tasks: number,
  { variance, count, meanMs, isBorrowed }: Work["times"],
): number {
  const ofMean = variance / count + (isBorrowed ? (borrowedDoubt * meanMs) ** 2 : 0);
  return tasks * variance + tasks ** 2 * ofMean;
}

function longestPath(works: ReadonlyMap<string, Work>): Bound {
  const ends = new Map<string, { meanMs: number; variance: number }>();
  let longest = { meanMs: 0, variance: 0 };
  for (const name of topologicalOrder(
    new Map([...works].map(([name, { after }]) => [name, after])),
  )) {
    const { after, tasks, times, lastMs } = works.get(name)!;
    let begin = { meanMs: 0, variance: 0 };
    for (const before of after) {
      const end = ends.get(before);
      if (end && end.meanMs > begin.meanMs) begin = end;
    }
    const variance = begin.variance + (tasks > 0 ? sumVariance(1, times) : 0);
    const end = { meanMs: begin.meanMs + lastMs, variance };
    ends.set(name, end);
    if (end.meanMs > longest.meanMs) longest = end;
  }
  return { meanMs: longest.meanMs, doubtMs: deviations * Math.sqrt(longest.variance) };
}

/** Run times of a job so far: of each step, each title, and all. */
class History {
  #ofTitle = new Map<string, number[]>();
  #ofAll: number[] = [];

  constructor(steps: readonly StepRecord[]) {
    for (const step of steps) {
      if (isWaiter(step)) continue;
      const { title } = step.spec;
      this.#ofTitle.set(title, addBuckets(this.#ofTitle.get(title) ?? [], step.status.runTimes));
      this.#ofAll = addBuckets(this.#ofAll, step.status.runTimes);
    }
  }

  of({ spec, status }: StepRecord): Work["times"] | undefined {
    const { attempts, wallMs } = status.usage;
    const finished = status.runTimes.reduce((sum, tasks) => sum + (tasks ?? 0), 0);
    const mean = attempts > 0 && attempts === finished ? wallMs / attempts : undefined;
    const own =
      histogramOf(status.runTimes, mean) ?? histogramOf(this.#ofTitle.get(spec.title) ?? []);
    if (own) return { ...own, isBorrowed: false };
    const borrowed = histogramOf(this.#ofAll);
    return borrowed && { ...borrowed, isBorrowed: true };
  }
}

/** Code of a job waits for others most of its time: it ends when they have. */
function isWaiter({ spec }: StepRecord): boolean {
  const { run } = spec.template;
  return run.driver === "runner" && run.role === "job";
}

/** Undefined where only running tells how many there will be. */
function remainingTasks(step: StepRecord): number | undefined {
  const { closed, offered, total } = step.status;
  const all = closed ? offered : total;
  return all === undefined ? undefined : all - offered + unfinishedTasks(step);
}
