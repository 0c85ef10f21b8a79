import { z } from "zod";
import type { JobRecord } from "#/model/job.ts";
import type { AnyRecord } from "#/model/record.ts";
import type { StepRecord } from "#/model/step.ts";
import { indexOfTask, stepOfTask, type TaskRecord } from "#/model/task.ts";
import { pageOf, taskPhase, taskView, type Page, type TaskView } from "#/model/views.ts";
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
 * that section: its name, or among those that wait, whose last one may be gone at the next call, its step and its serial.
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
  const [number, serial] = (after ?? "-1/0").split("/").map(Number) as [number, number];
  const tasks: TaskRecord[] = [];
  const steps = [...space.list("step", job.name)]
    .filter(({ name }) => `${name}/`.startsWith(prefix) && indexOfTask(name) >= number)
    .sort(bySerial);
  for (const { name } of steps) {
    const fits = (task: TaskRecord) =>
      !leases.has(task.name) && (phase === undefined || task.status.phase === phase);
    const from = indexOfTask(name) === number ? serial : 0;
    tasks.push(...firstOf(space.list("task", name), from, left - tasks.length, fits));
    if (tasks.length === left) break;
  }
  return tasks;
}

const bySerial = (one: AnyRecord, other: AnyRecord) => one.serial - other.serial;

/** By serial, those after `from`: tasks that came back live stand behind in `records`, and keep the serial that they had. */
function firstOf(
  records: Iterable<TaskRecord>,
  from: number,
  count: number,
  fits: (task: TaskRecord) => boolean,
): TaskRecord[] {
  let first: TaskRecord[] = [];
  let below = Infinity;
  for (const task of records) {
    if (task.serial <= from || task.serial >= below || !fits(task)) continue;
    first.push(task);
    if (first.length < 2 * count) continue;
    first = first.sort(bySerial).slice(0, count);
    below = first.at(-1)!.serial;
  }
  return first.sort(bySerial).slice(0, count);
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
  const { name, serial, status } = task;
  if (leases.has(name)) return `running:${name}`;
  if (status.phase !== "ready" && status.phase !== "waiting") return `ended:${name}`;
  return `waiting:${indexOfTask(stepOfTask(name))}/${serial}`;
}

async function stepsByName(
  { space }: DoorParts,
  tasks: TaskRecord[],
): Promise<Map<string, StepRecord>> {
  const names = [...new Set(tasks.map(({ name }) => stepOfTask(name)))];
  const steps = await space.find("step", names);
  return new Map(steps.flatMap((step) => (step ? [[step.name, step]] : [])));
}
