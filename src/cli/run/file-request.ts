import type { JobRequestInput } from "#/model/job-request.ts";
import type { Client } from "#/sdk/client.ts";
import { briefDuration } from "#/model/units.ts";
import type { Terminal } from "../terminal.ts";
import type { JobSource } from "./job-source.ts";
import type { RunOptions } from "./options.ts";
import { storeUploads } from "./uploads.ts";

/** A job file, or a recorded workflow, as a job; stores the files that it names. Throws CanopyError with the place of a fault. */
export async function fileRequest(
  client: Client,
  { file, shown, text }: Extract<JobSource, { type: "file" }>,
  options: RunOptions,
  { world, err }: Terminal,
): Promise<JobRequestInput> {
  const { request, uploads } =
    shown.endsWith(".json") && (await isWorkflow(text)) ? await workflow() : await jobFile();
  await storeUploads(client, uploads, file, world);
  const { name, priority, keepGoing } = options;
  return {
    ...request,
    ...(name === undefined ? {} : { title: name }),
    ...(priority === undefined ? {} : { priority }),
    ...(keepGoing ? { onFailure: "continue" as const } : {}),
  };

  async function jobFile() {
    const { parseJobFile } = await import("#/model/job-file.ts");
    return parseJobFile(text, shown);
  }

  async function workflow() {
    const { parseWfCommons } = await import("#/model/wfcommons.ts");
    const { scale: timeScale, sizeScale } = options;
    const parsed = parseWfCommons(text, shown, {
      ...(timeScale === undefined ? {} : { timeScale }),
      ...(sizeScale === undefined ? {} : { sizeScale }),
    });
    const { tasks, workMs, makespanMs, machines } = parsed.recorded;
    const took =
      makespanMs === undefined
        ? ""
        : `, recorded in ${briefDuration(makespanMs)}${machines.length > 0 ? ` on ${machines.length} machines` : ""}`;
    const scaled =
      timeScale === undefined || timeScale === 1 ? "" : `, run times times ${timeScale}`;
    err.write(
      err.paint(
        "dim",
        `${parsed.recorded.name}: ${tasks} tasks, ${briefDuration(workMs)} of work${took}${scaled}\n`,
      ),
    );
    return parsed;
  }
}

async function isWorkflow(text: string): Promise<boolean> {
  const { isWfCommons } = await import("#/model/wfcommons.ts");
  return isWfCommons(text);
}
