import { limits } from "#/base/limits.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";

/** An attempt under way, as the scheduler knows it. */
export interface Attempt {
  readonly task: string;
  readonly machine: string;
  readonly fence: number;
  readonly attempt: number;
  readonly ranMs: number;
  /** It may not have begun. */
  readonly isAhead: boolean;
  /** Another one of the same task is under way, and began before. */
  readonly isSecond: boolean;
}

/** A step with attempts that have run for a while. */
export interface StepUnderWay {
  readonly step: StepRecord;
  /** The only one of its task: the oldest first. */
  readonly alone: readonly Attempt[];
  /** Of each of its tasks the first one, the oldest first. */
  readonly attempts: readonly Attempt[];
}

export interface JobUnderWay {
  /** Tasks under way, and second attempts of some. */
  tasks: number;
  copies: number;
}

/** What is under way, by job and by step: of the steps those whose oldest attempt is the oldest. */
export function underWay(
  space: Pick<Space, "get">,
  attempts: readonly Attempt[],
): { steps: StepUnderWay[]; jobs: Map<string, JobUnderWay> } {
  const jobs = new Map<string, JobUnderWay>();
  const bySteps = new Map<string, Attempt[]>();
  const copied = new Set<string>();
  for (const attempt of attempts) {
    const { task, isSecond, isAhead } = attempt;
    const job = jobs.get(jobOf(task)) ?? { tasks: 0, copies: 0 };
    jobs.set(jobOf(task), job);
    if (isSecond) copied.add(task);
    if (isSecond) job.copies++;
    else job.tasks++;
    if (isSecond || isAhead) continue;
    const step = stepOfTask(task);
    const of = bySteps.get(step);
    if (of) of.push(attempt);
    else bySteps.set(step, [attempt]);
  }
  const steps: StepUnderWay[] = [];
  for (const [name, of] of bySteps) {
    of.sort((a, b) => b.ranMs - a.ranMs);
    if (of[0]!.ranMs < limits.copyAfterMs) continue;
    const step = space.get("step", name);
    if (!step || isJobItself(step)) continue;
    const alone = of.filter(({ task }) => !copied.has(task));
    steps.push({ step, alone, attempts: of });
  }
  steps.sort((a, b) => b.attempts[0]!.ranMs - a.attempts[0]!.ranMs);
  return { steps: steps.slice(0, limits.healStepsMax), jobs };
}

/** Code of a durable job waits for others: how long it runs says nothing. */
function isJobItself({ spec: { template } }: StepRecord): boolean {
  return template.run.driver === "runner" && template.run.role === "job";
}
