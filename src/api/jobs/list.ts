import type { JobRecord } from "#/model/job.ts";
import { jobPhase, jobView, pageOf, type JobView, type Page } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { jobViewOf, runningOf } from "../views/jobs.ts";
import { foldSteps } from "../views/steps.ts";

export const listJobs = defineCall({
  summary: "List jobs",
  description: "The newest first, those that have ended too.",
  tag: "jobs",
  role: "viewer",
  query: pageQuery.extend({ phase: jobPhase.optional() }),
  answer: pageOf(jobView),
  async run({ parts, project, query }): Promise<Page<JobView>> {
    const { phase, limit, cursor } = query;
    const { space } = parts;
    const isAsked = (job: JobRecord) =>
      job.project === project &&
      (phase === undefined || job.status.phase === phase) &&
      (cursor === undefined || job.name < cursor);
    const live = [...space.list("job")].filter(isAsked);
    const archived = await space.archived("job", {
      project,
      limit: limit + 1,
      ...(phase && { phase }),
      ...(cursor && { before: cursor }),
    });
    const names = new Set(live.map(({ name }) => name)); // one may have been archived in between
    const jobs = [...live, ...archived.filter(({ name }) => !names.has(name))].sort((a, b) =>
      a.name < b.name ? 1 : -1,
    );
    const items = jobs.slice(0, limit).map((job) => viewOf(parts, job));
    return jobs.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});

function viewOf(parts: DoorParts, job: JobRecord): JobView {
  if (parts.space.count("step", job.name) === 0) return jobViewOf(job);
  return jobViewOf(job, foldSteps(parts.space.list("step", job.name), runningOf(parts, job.name)));
}
