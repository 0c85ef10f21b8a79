import { openOrders } from "#/autonomic/machines.ts";
import { boughtBy } from "#/autonomic/spending.ts";
import { hasJobEnded } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import { formatMicros } from "#/model/units.ts";
import { costView, type CountsView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, foldJob, stepsOf } from "../views/jobs.ts";

export const costOfJob = defineCall({
  summary: "What a job has cost",
  description:
    "Money by the price list, so far and, where every kind has finished a task, at the end; energy as agents measured it, else by the power model, and its CO2 by the carbon intensity of the hours in which tasks ran. What is unknown is absent.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answer: costView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const job = await findJob(parts, project, params.job);
    const steps = await stepsOf(parts, job);
    const { kinds, usage } = foldJob(parts, job, steps);
    const { goal } = job.spec;
    const bought = goal && boughtBy(parts.clock.now(), job, openOrders(parts.space, job.name));
    return {
      job: job.name,
      currency: parts.currency,
      spent: moneyOf(usage.costMicros),
      projected:
        job.status.open || (goal && !hasJobEnded(job))
          ? undefined
          : moneyOf(projectedMicros(steps, bought)),
      bought: moneyOf(bought),
      budget: moneyOf(goal?.budgetMicros),
      energyJoules: usage.energyJoules,
      grams: usage.grams,
      usage,
      kinds: kinds.map(({ title, tasks, usage: used }) => ({
        title,
        tasks: finished(tasks),
        spent: moneyOf(used.costMicros),
        energyJoules: used.energyJoules,
        grams: used.grams,
        usage: used,
      })),
    };
  },
});

function moneyOf(micros: number | undefined): string | undefined {
  return micros === undefined ? undefined : formatMicros(micros);
}

function finished({ succeeded, failed }: Pick<CountsView, "succeeded" | "failed">): number {
  return succeeded + failed;
}

/** Each step's cost so far, plus its mean for every task that is left; undefined when one of the two is not known. */
function projectedMicros(steps: readonly StepRecord[], bought = 0): number | undefined {
  let micros = bought;
  for (const { status } of steps) {
    const { costMicros } = status.usage;
    if (costMicros === undefined) return undefined;
    const done = finished(status);
    const total = status.closed ? status.offered : status.total;
    if (total === undefined) return undefined;
    const left =
      status.phase === "running" || status.phase === "blocked"
        ? total - done - status.cancelled
        : 0;
    if (left > 0 && done === 0) return undefined;
    micros += costMicros + (left > 0 ? (costMicros / done) * left : 0);
  }
  return micros;
}
