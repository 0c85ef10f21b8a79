import { z } from "zod";
import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import { jobPhase, jobView, pageOf, type JobView, type Page } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { foldJob, jobViewOf } from "../views/jobs.ts";

const jobCursor = z
  .string()
  .regex(/^j[0-9a-z]{12}$/, { error: "must be what 'next' of the page before says" });

export const listJobs = defineCall({
  summary: "List jobs",
  description: "The newest first, those that have ended too.",
  tag: "jobs",
  role: "viewer",
  query: pageQuery.extend({ phase: jobPhase.optional(), cursor: jobCursor.optional() }),
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
    const items = await viewsOf(parts, jobs.slice(0, limit));
    return jobs.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});

/** With counts, but for ended jobs that have left memory and have so many steps that reading them would take long. */
async function viewsOf(parts: DoorParts, jobs: JobRecord[]): Promise<JobView[]> {
  const { space } = parts;
  const views: JobView[] = [];
  let left: number = limits.listedStepsMax;
  for (const job of jobs) {
    const { steps } = job.status;
    if (space.count("step", job.name) > 0) {
      views.push(jobViewOf(job, foldJob(parts, job, space.list("step", job.name))));
    } else if (steps <= left) {
      left -= steps;
      const names = Array.from({ length: steps }, (_, number) => `${job.name}/${number}`);
      const found = (await space.find("step", names)).filter((step) => step !== undefined);
      views.push(jobViewOf(job, foldJob(parts, job, found)));
    } else {
      views.push(jobViewOf(job));
    }
  }
  return views;
}
