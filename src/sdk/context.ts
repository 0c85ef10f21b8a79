import type { DurableJob } from "./durable.ts";
import { localVenue } from "./local.ts";
import type { Venue } from "./venue.ts";

/** What a runner tells the code inside it about the task that it runs. */
export interface TaskContext {
  /** Full names: "j0f3k2m9x1ab2/0/0" and its job. */
  task: string;
  job: string;
  attempt: number;
  /** Set for a task of a gang. */
  gang?: GangPlace;
  cloudUrl?: string;
  /** Set for a job: opens the API for this job only. */
  jobKey?: string;
  signal?: AbortSignal;
}

/** What a task of a gang knows of itself and the others. */
export interface GangPlace {
  /** Its number among them, from 0: the index of its item. */
  rank: number;
  size: number;
  /** By rank: the name or address where each runs; "" for one that does not at this moment. */
  hosts: string[];
  /** The first of `size` TCP ports that the gang may use to meet. */
  port: number;
}

const contextSymbol = Symbol.for("canopy.context");

/** The task that this code runs in; undefined outside of a runner. */
export function currentTask(): TaskContext | undefined {
  const holder = (globalThis as { [contextSymbol]?: { current(): TaskContext | undefined } })[
    contextSymbol
  ];
  return holder?.current();
}

/** Who this task is among the others of its gang; undefined for one that is in none, or runs without a cloud. */
export function gangPlace(): GangPlace | undefined {
  return currentTask()?.gang;
}

/** Jobs that run in this process now, by their task and attempt. */
const durableJobs = new Map<string, DurableJob>();

/** Where a call made now goes: a durable job's go to its cloud, all others stay in this process. */
export function currentVenue(): Venue {
  const context = currentTask();
  const durable = context?.jobKey === undefined ? undefined : durableJobs.get(keyOf(context));
  return durable ?? localVenue;
}

/**
 * Runs a job's function: durably when a runner runs it for a cloud, else as it is. When the function
 * has returned, what it started without waiting is sent before its result counts.
 */
export async function runJob(run: () => unknown): Promise<unknown> {
  const context = currentTask();
  if (
    context?.jobKey === undefined ||
    context.cloudUrl === undefined ||
    durableJobs.has(keyOf(context))
  )
    return await run();
  const { openDurableJob } = await import("./durable.ts");
  const durable = await openDurableJob({
    ...context,
    cloudUrl: context.cloudUrl,
    jobKey: context.jobKey,
  });
  durableJobs.set(keyOf(context), durable);
  try {
    const result = await run();
    await durable.finish();
    return result;
  } finally {
    durable.leave();
    durableJobs.delete(keyOf(context));
  }
}

function keyOf({ task, attempt }: TaskContext): string {
  return `${task} ${attempt}`;
}
