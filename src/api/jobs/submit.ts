import { jobGoalOf } from "#/autonomic/job-goals.ts";
import { newId } from "#/base/ids.ts";
import { jobRequest, type JobRequest } from "#/model/job-request.ts";
import type { JobRecord } from "#/model/job.ts";
import { jobView } from "#/model/views.ts";
import type { Transaction } from "#/space/space.ts";
import { defineCall, type Call } from "../call.ts";
import { answerBefore, once } from "../once.ts";
import { inProject } from "../params.ts";
import { requireKeepable } from "../plans/keepable.ts";
import { demandIfKnown } from "../plans/now.ts";
import type { DoorParts } from "../parts.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";
import { requireFit, requireBlobs } from "./checks.ts";
import { purchasableFor } from "./purchasable.ts";
import { confinedRequest, whileOvertaken } from "./confined.ts";
import { goalByPolicy } from "./goals.ts";

export const submitJob = defineCall({
  summary: "Submit a job",
  description:
    "Refused before anything runs when a step cannot run on any machine there is, nor on one that its project would buy by itself, when a blob that it names is not there, or when its steps form a circle. Where the project's policy bounds time or money, these are its goal; refused, too, when by all that is known of its work that cannot be kept.",
  tag: "jobs",
  role: "submitter",
  query: inProject,
  body: jobRequest,
  answer: jobView,
  status: 201,
  errors: ["infeasible", "conflict", "limited", "no-space"],
  async run(call) {
    const { parts, project } = call;
    const name = answerBefore(call) ?? (await begun(call));
    return jobViewOf(await findJob(parts, project, name));
  },
});

/** Submits it, and gives its name. */
async function begun(call: Call<unknown, unknown, JobRequest>): Promise<string> {
  const { parts, project, caller, body } = call;
  const { space, blobs, pace } = parts;
  pace.requireTurn(caller);
  await requireBlobs(blobs, project, body.steps);
  return whileOvertaken(async () => {
    const { request, mark } = await confinedRequest(space, project, body);
    const goal = goalByPolicy(space, project);
    const demand = goal && (await demandIfKnown(parts, project, request));
    const purchasable = await purchasableFor(parts, project, request, demand !== undefined);
    if (demand) await requireKeepable(parts, { project, title: request.title, demand, goal });
    return once(call, (tx) => {
      mark(tx);
      const job = submit(parts, tx, { request, project, submittedBy: caller.name });
      for (let number = 0; number < job.status.steps; number++) {
        requireFit(parts, tx.get("step", `${job.name}/${number}`), purchasable);
      }
      pace.takeTurn(caller);
      return job.name;
    });
  });
}

function submit(
  { jobs, clock, random }: DoorParts,
  tx: Transaction,
  asked: { request: JobRequest; project: string; submittedBy: string },
): JobRecord {
  const now = clock.now();
  const goal = goalByPolicy(tx, asked.project);
  const id = newId("j", { clock, random }, (name) => tx.get("job", name) !== undefined);
  return jobs.submitJob(tx, { ...asked, now, id, ...(goal && { goal: jobGoalOf(goal, now) }) });
}
