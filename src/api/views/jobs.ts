import { openOrders } from "#/autonomic/machines.ts";
import { boughtBy, cutOf } from "#/autonomic/spending.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { hasJobEnded, type JobGoal, type JobHold, type JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { formatMicros } from "#/model/units.ts";
import type { JobDetail, JobView } from "#/model/views.ts";
import type { DoorParts } from "../parts.ts";
import { foldSteps, type Folded, type RunningByStep } from "./steps.ts";
import { instantOf, maybeInstant } from "./time.ts";

type Reading = Pick<DoorParts, "space">;

/** The job of that name, live or archived. Throws "not-found", for a job of another project too. */
export async function findJob(
  { space }: Reading,
  project: string,
  name: string,
): Promise<JobRecord> {
  const [job] = await space.find("job", [name]);
  if (job && job.project === project) return job;
  throw new CanopyError("not-found", `Cannot find the job '${name}' in the project '${project}'`, {
    hint: "See them all: canopy ps --all",
  });
}

/** All steps of a job, live or archived, by number. */
export async function stepsOf({ space }: Reading, job: JobRecord): Promise<StepRecord[]> {
  if (space.count("step", job.name) >= job.status.steps) return [...space.list("step", job.name)];
  const steps: StepRecord[] = [];
  for (let from = 0; from < job.status.steps; from += limits.archivePageTasks) {
    const length = Math.min(limits.archivePageTasks, job.status.steps - from);
    const found = await space.find(
      "step",
      Array.from({ length }, (_, at) => `${job.name}/${from + at}`),
    );
    for (const step of found) if (step) steps.push(step);
  }
  return steps;
}

/** The step of that number, live or archived. Throws "not-found". */
export async function findStep(
  { space }: Reading,
  job: JobRecord,
  number: number,
): Promise<StepRecord> {
  const [step] = await space.find("step", [`${job.name}/${number}`]);
  if (step) return step;
  throw new CanopyError(
    "not-found",
    `Cannot find step ${number} of the job ${job.name} as it has ${job.status.steps} steps, counted from 0`,
  );
}

/** A job as the API shows it; with counts and usage when its steps are at hand. */
export function jobViewOf(job: JobRecord, folded?: Folded): JobView {
  const { name, project, spec, status } = job;
  return {
    id: name,
    project,
    title: spec.title,
    phase: status.phase,
    open: status.open && status.phase === "running",
    priority: spec.priority,
    onFailure: spec.onFailure,
    submittedBy: spec.submittedBy,
    submittedAt: instantOf(spec.submittedAt),
    endedAt: maybeInstant(status.endedAt),
    reason: status.reason,
    exitCode: status.exitCode,
    held: status.held && holdViewOf(status.held),
    goal: spec.goal && goalViewOf(spec.goal),
    steps: status.steps,
    mainStep: spec.mainStep === undefined ? undefined : indexOfTask(spec.mainStep),
    tasks: folded?.tasks,
    usage: folded?.usage,
  };
}

function goalViewOf({ plan, deadlineAt, budgetMicros }: JobGoal): JobView["goal"] {
  return {
    plan: plan || undefined,
    deadlineAt: maybeInstant(deadlineAt),
    budget: budgetMicros === undefined ? undefined : formatMicros(budgetMicros),
  };
}

function holdViewOf({ since, until, savingShare, why, flip }: JobHold): JobView["held"] {
  return { since: instantOf(since), until: instantOf(until), savingShare, why: [...why], flip };
}

/** What the steps of a job come to, with the machines that were bought for it. */
export function foldJob(
  parts: Pick<DoorParts, "space" | "scheduler" | "clock">,
  job: JobRecord,
  steps: Iterable<StepRecord>,
): Folded {
  const { space, clock } = parts;
  const folded = foldSteps(steps, hasJobEnded(job) ? new Map() : runningOf(parts, job.name));
  if (!job.spec.goal && !job.status.cut) return folded;
  const bought = boughtBy(clock.now(), job, openOrders(space, job.name));
  const cut = cutOf(job);
  const { costMicros } = folded.usage;
  const isKnown = bought !== undefined && cut !== undefined && costMicros !== undefined;
  const sum = isKnown ? bought + cut + costMicros : undefined;
  return { ...folded, usage: { ...folded.usage, costMicros: sum } };
}

/** Tasks of a job that run, by step. */
export function runningOf({ scheduler }: Pick<DoorParts, "scheduler">, job: string): RunningByStep {
  const running = new Map<string, number>();
  for (const { task, isSecond } of scheduler.leases(job)) {
    if (isSecond) continue;
    const step = stepOfTask(task);
    running.set(step, (running.get(step) ?? 0) + 1);
  }
  return running;
}

/** A job at this moment, with its steps folded, when it will have ended, and why it waits if it does. */
export async function detailOf(parts: DoorParts, job: JobRecord): Promise<JobDetail> {
  const steps = await stepsOf(parts, job);
  const folded = foldJob(parts, job, steps);
  if (hasJobEnded(job)) return { ...jobViewOf(job, folded), ...folded, waits: [] };
  const isStuck = folded.tasks.waiting > 0 && folded.tasks.running === 0;
  return {
    ...jobViewOf(job, folded),
    ...folded,
    eta: etaOf(parts, job, steps),
    waits: isStuck ? parts.scheduler.explainJob(job.name) : [],
  };
}

function etaOf(
  { jobs, scheduler, clock, space }: DoorParts,
  job: JobRecord,
  steps: StepRecord[],
): JobDetail["eta"] {
  const now = clock.now();
  const running = scheduler
    .leases(job.name)
    .filter(({ isSecond }) => !isSecond)
    .map(({ task, since }) => ({ task, ranMs: now - since }));
  const capacity = { milliCpus: 0, memoryBytes: 0 };
  for (const { machine, connected } of scheduler.machines()) {
    const record = space.get("machine", machine);
    if (!connected || !record || record.spec.cordoned) continue;
    capacity.milliCpus += record.status.capacity.milliCpus;
    capacity.memoryBytes += record.status.capacity.memoryBytes;
  }
  const found = jobs.eta(job, steps, running, capacity);
  return found && { lowMs: found.lowMs, likelyMs: found.likelyMs, highMs: found.highMs };
}
