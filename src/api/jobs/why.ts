import { decisionsAbout } from "#/autonomic/decide.ts";
import type { DecisionRecord } from "#/model/decision.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { gameDayOn } from "../views/hits.ts";
import { findJob, stepsOf } from "../views/jobs.ts";
import { instantOf } from "../views/time.ts";

export const whyJob = defineCall({
  summary: "Explain a job",
  description:
    "Every reason for which it waits, or for which it ended as it did, each with what to do.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const job = await findJob(parts, project, params.job);
    const explanations = hasJobEnded(job)
      ? endingOf(job, await stepsOf(parts, job))
      : [...parts.scheduler.explainJob(job.name), ...gameDayOn(parts.space, project)];
    const decisions = job.spec.goal
      ? await decisionsAbout(parts.space, job.name, decisionsShown)
      : [];
    return {
      id: job.name,
      phase: job.status.phase,
      explanations: [...explanations, ...decisions.map(decided)],
    };
  },
});

const decisionsShown = 20;

/** A decision as one of the reasons. */
function decided({ spec }: DecisionRecord): ExplanationView {
  const { at, what, why, flip, subject } = spec;
  return {
    ...(subject !== undefined && { subject }),
    sentence: `Canopy ${what} at ${instantOf(at)}: ${why.join("; ")}`,
    ...(flip !== undefined && { advice: flip }),
  };
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
