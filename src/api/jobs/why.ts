import { z } from "zod";
import { decisionsAbout } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import type { DecisionRecord } from "#/model/decision.ts";
import { hasJobEnded, isPlanned, type JobRecord } from "#/model/job.ts";
import { fleetName } from "#/model/policy.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import type { Space } from "#/space/space.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { explainedDecision } from "../views/decisions.ts";
import { gameDayOn } from "../views/hits.ts";
import { findJob, stepsOf } from "../views/jobs.ts";

export const whyJob = defineCall({
  summary: "Explain a job",
  description:
    "Every reason for which it waits, or for which it ended as it did, each with what to do, and what was decided for it. Of one step when that is named. With `not`, why none of its tasks that wait is on that machine.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject.extend({
    not: z.string().max(100).optional(),
    step: z.coerce.number().int().min(0).optional(),
  }),
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params, query }) {
    const job = await findJob(parts, project, params.job);
    if (query.not !== undefined && !hasJobEnded(job))
      return {
        id: job.name,
        phase: job.status.phase,
        explanations: parts.scheduler.explainJobNot(job.name, query.not),
      };
    const step = query.step === undefined ? undefined : `${job.name}/${query.step}`;
    const explanations = hasJobEnded(job)
      ? endingOf(job, await stepsOf(parts, job))
      : [...parts.scheduler.explainJob(job.name, step), ...gameDayOn(parts.space, project)];
    const decisions =
      step === undefined ? await decisionsAbout(parts.space, job.name, limits.decisionsShown) : [];
    const shared = step === undefined ? await decisionsOfFleet(parts.space, job) : [];
    return {
      id: job.name,
      phase: job.status.phase,
      explanations: [
        ...explanations,
        ...[...decisions, ...shared].map((one) => explainedDecision(one)[0]!),
      ],
    };
  },
});

/** What was bought, and what was not, for all that waits of a project while a job without a plan of its own did. */
async function decisionsOfFleet(space: Space, job: JobRecord): Promise<DecisionRecord[]> {
  if (isPlanned(job)) return [];
  const { project, spec, status } = job;
  const found = await decisionsAbout(space, fleetName(project), limits.decisionsShown);
  const { endedAt = Infinity } = status;
  return found.filter(
    ({ spec: { at, action } }) => action !== "release" && at >= spec.submittedAt && at <= endedAt,
  );
}

/** Why a job that has ended did so: its own reason, then its steps'. */
function endingOf(job: JobRecord, steps: Awaited<ReturnType<typeof stepsOf>>): ExplanationView[] {
  const { phase, reason } = job.status;
  const explanations: ExplanationView[] = [
    {
      sentence:
        reason === undefined
          ? `The job has ${phase}.`
          : `The job has ${phase === "cancelled" ? "been cancelled" : phase}: ${reason}.`.replace(
              "..",
              ".",
            ),
    },
  ];
  if (phase !== "succeeded") explanations[0]!.advice = `canopy retry ${job.name}`;
  for (const { name, spec, status } of steps) {
    if (status.phase === "succeeded" || status.reason === undefined) continue;
    explanations.push({
      subject: name,
      sentence: `The step '${spec.name}' has ${status.phase === "cancelled" ? "been cancelled" : status.phase}: ${status.reason}`,
      ...(status.failed > 0 && { advice: `canopy logs ${name}` }),
    });
  }
  return explanations;
}
