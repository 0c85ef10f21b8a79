import { z } from "zod";
import { taskName } from "#/model/task.ts";
import { whyView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, taskParams } from "../params.ts";
import { decisionsAboutTask } from "../views/decisions.ts";
import { hitsOn } from "../views/hits.ts";
import { findJob } from "../views/jobs.ts";
import { noTask } from "../views/tasks.ts";

export const whyTask = defineCall({
  summary: "Explain a task",
  description:
    "Why it waits, per machine; why here, for what is placed; why it failed. With `not`, why it is not on that machine.",
  tag: "tasks",
  role: "viewer",
  fromJobs: "own",
  params: taskParams,
  query: inProject.extend({ not: z.string().max(100).optional() }),
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params, query }) {
    const { space, scheduler, clock } = parts;
    const job = await findJob(parts, project, params.job);
    const name = taskName(`${job.name}/${params.step}`, params.index);
    const [task] = await space.find("task", [name]);
    if (!task) throw noTask(name);
    const isRunning = scheduler.leaseOf(name) !== undefined;
    const explanations = await scheduler.explainTask(
      name,
      query.not === undefined ? {} : { not: query.not },
    );
    explanations.push(...(await decisionsAboutTask(space, job.name, name)));
    explanations.push(...hitsOn(space, name, clock.now()));
    return { id: name, phase: isRunning ? "running" : task.status.phase, explanations };
  },
});
