import { stepOfTask, taskName } from "#/model/task.ts";
import { taskDetail } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, taskParams } from "../params.ts";
import { findJob } from "../views/jobs.ts";
import { noTask, taskDetailOf } from "../views/tasks.ts";

export const readTask = defineCall({
  summary: "Read a task",
  description: "With its input, its result and every failed attempt.",
  tag: "tasks",
  role: "viewer",
  fromJobs: "own",
  params: taskParams,
  query: inProject,
  answer: taskDetail,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const { space, scheduler } = parts;
    const job = await findJob(parts, project, params.job);
    const name = taskName(`${job.name}/${params.step}`, params.index);
    const [task] = await space.find("task", [name]);
    if (!task) throw noTask(name);
    const [step] = await space.find("step", [stepOfTask(name)]);
    return taskDetailOf(task, step, scheduler.leaseOf(name), parts);
  },
});
