import { join } from "node:path";
import type { TaskDetail } from "#/model/views.ts";
import { allOf, type Client } from "#/sdk/client.ts";
import type { World } from "#/sdk/world.ts";

/** A file that was fetched. */
export interface Fetched {
  task: string;
  path: string;
  file: string;
  sizeBytes: number;
}

/**
 * Fetches the output files of a job's tasks into a folder: those of a single task as they are named,
 * those of several below "step/index".
 */
export async function fetchOutputs(
  client: Client,
  job: string,
  folder: string,
  { files }: Pick<World, "files">,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  const tasks: TaskDetail[] = [];
  for await (const { step, index, phase } of allOf((query) => client.tasks(job, query))) {
    if (phase !== "succeeded") continue;
    const task = await client.task(job, step, index);
    if (Object.keys(task.outputs).length > 0) tasks.push(task);
  }
  for (const task of tasks) {
    const below = tasks.length === 1 ? folder : join(folder, String(task.step), String(task.index));
    for (const [path, key] of Object.entries(task.outputs)) {
      const file = join(below, path);
      const { sizeBytes } = await files.writeStream(file, await client.streamBlob(key));
      fetched.push({ task: task.id, path, file, sizeBytes });
    }
  }
  return fetched;
}
