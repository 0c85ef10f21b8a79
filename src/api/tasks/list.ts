import { z } from "zod";
import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import { indexOfTask, stepOfTask, taskName, type TaskRecord } from "#/model/task.ts";
import { pageOf, taskPhase, taskView, type Page, type TaskView } from "#/model/views.ts";
import type { Space } from "#/space/space.ts";
import type { LeaseView } from "#/scheduler/session.ts";
import { defineCall } from "../call.ts";
import { jobParams, pageQuery } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { findJob } from "../views/jobs.ts";
import { taskViewOf } from "../views/tasks.ts";

export const listTasks = defineCall({
  summary: "List the tasks of a job",
  description:
    "Those that run first, then those that wait, then those that have ended; of one phase, or one step, when asked.",
  tag: "tasks",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: pageQuery.extend({
    phase: taskPhase.optional(),
    step: z.coerce.number().int().min(0).optional(),
  }),
  answer: pageOf(taskView),
  errors: ["not-found"],
  async run({ parts, project, params, query }): Promise<Page<TaskView>> {
    const job = await findJob(parts, project, params.job);
    const asked = {
      ...query,
      prefix: query.step === undefined ? `${job.name}/` : `${job.name}/${query.step}/`,
    };
    const first = parts.scheduler.leases(job.name).filter(({ isSecond }) => !isSecond);
    const leases = new Map(first.map((lease) => [lease.task, lease]));
    const tasks = await page(parts, job, asked, leases);
    const items = tasks.slice(0, query.limit);
    const steps = await stepsByName(parts, items);
    const views = items.map((task) =>
      taskViewOf(task, steps.get(stepOfTask(task.name)), leases.get(task.name), parts),
    );
    return tasks.length > query.limit
      ? { items: views, next: cursorOf(items.at(-1)!, leases) }
      : { items: views };
  },
});

interface Asked {
  phase?: z.output<typeof taskPhase> | undefined;
  step?: number | undefined;
  prefix: string;
  limit: number;
  cursor?: string | undefined;
}

const sections = ["running", "waiting", "ended"] as const;
type Section = (typeof sections)[number];
type Leases = ReadonlyMap<string, LeaseView>;

/**
 * One more than asked for where there are more. A cursor is the section of the last one that was told, and what orders
 * that section: its name, or among those that wait its step and its index.
 */
async function page(
  parts: DoorParts,
  job: JobRecord,
  asked: Asked,
  leases: Leases,
): Promise<TaskRecord[]> {
  const [section, last] = asked.cursor?.split(":") ?? [];
  const from = section === undefined ? 0 : Math.max(0, sections.indexOf(section as Section));
  const tasks: TaskRecord[] = [];
  for (const part of sections.slice(from)) {
    const left = asked.limit + 1 - tasks.length;
    if (left <= 0) break;
    const after = part === section ? last : undefined;
    if (part === "ended") tasks.push(...(await ended(parts, asked, after, left)));
    else tasks.push(...live(parts, job, asked, leases, part, after, left));
  }
  return tasks;
}

function live(
  { space }: DoorParts,
  job: JobRecord,
  asked: Asked,
  leases: Leases,
  section: Section,
  after: string | undefined,
  left: number,
): TaskRecord[] {
  const { phase, prefix } = asked;
  if (section === "running") {
    if (phase !== undefined && phase !== "running") return [];
    const names = [...leases.keys()]
      .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
      .sort();
    return names.slice(0, left).flatMap((name) => space.get("task", name) ?? []);
  }
  if (phase !== undefined && phase !== "ready" && phase !== "waiting") return [];
  const [number, index] = (after ?? "-1/0").split("/").map(Number) as [number, number];
  const tasks: TaskRecord[] = [];
  const steps = [...space.list("step", job.name)]
    .filter(({ name }) => `${name}/`.startsWith(prefix) && indexOfTask(name) >= number)
    .sort((a, b) => indexOfTask(a.name) - indexOfTask(b.name));
  const fits = (task: TaskRecord) =>
    !leases.has(task.name) && (phase === undefined || task.status.phase === phase);
  for (const step of steps) {
    const first = indexOfTask(step.name) === number ? index + 1 : 0;
    tasks.push(...waitingOf(space, step, first, left - tasks.length, fits));
    if (tasks.length === left) break;
  }
  return tasks;
}

/**
 * By index, from `first` on. It looks at as many as it gives, and at those that have ended in between: at no
 * more of these than there are live ones, as then it is less to look at all of those.
 */
function waitingOf(
  space: Pick<Space, "get" | "list" | "count">,
  { name, status }: StepRecord,
  first: number,
  count: number,
  fits: (task: TaskRecord) => boolean,
): TaskRecord[] {
  const found: TaskRecord[] = [];
  let gaps = space.count("task", name);
  for (let index = first; index < status.offered && found.length < count; index++) {
    const task = space.get("task", taskName(name, index));
    if (task && fits(task)) found.push(task);
    if (!task && gaps-- === 0) return lowestOf(space.list("task", name), first, count, fits);
  }
  return found;
}

function lowestOf(
  tasks: Iterable<TaskRecord>,
  first: number,
  count: number,
  fits: (task: TaskRecord) => boolean,
): TaskRecord[] {
  const found = [...tasks].filter((task) => indexOfTask(task.name) >= first && fits(task));
  return found.sort((a, b) => indexOfTask(a.name) - indexOfTask(b.name)).slice(0, count);
}

async function ended(
  { space }: DoorParts,
  { phase, prefix }: Asked,
  after: string | undefined,
  left: number,
): Promise<TaskRecord[]> {
  if (phase === "running" || phase === "ready" || phase === "waiting") return [];
  return space.archived("task", {
    prefix,
    limit: left,
    ...(after && { before: after }),
    ...(phase && { phase }),
  });
}

function cursorOf(task: TaskRecord, leases: Leases): string {
  const { name, status } = task;
  if (leases.has(name)) return `running:${name}`;
  if (status.phase !== "ready" && status.phase !== "waiting") return `ended:${name}`;
  return `waiting:${indexOfTask(stepOfTask(name))}/${indexOfTask(name)}`;
}

async function stepsByName(
  { space }: DoorParts,
  tasks: TaskRecord[],
): Promise<Map<string, StepRecord>> {
  const names = [...new Set(tasks.map(({ name }) => stepOfTask(name)))];
  const steps = await space.find("step", names);
  return new Map(steps.flatMap((step) => (step ? [[step.name, step]] : [])));
}
