import { z } from "zod";
import { gridSize } from "#/model/grid.ts";
import type { StepRequest } from "#/model/job-request.ts";
import type { Needs } from "#/model/needs.ts";

/** How many tasks a step has; undefined where only running tells. `lines` says how many a blob has. */
export function tasksOf(
  { source }: StepRequest,
  lines: ReadonlyMap<string, number> | undefined,
): number | undefined {
  if (source.type === "lines") return lines?.get(source.blob);
  if (source.type === "inputs") return source.inputs.length;
  return source.type === "grid" ? gridSize(source.parameters) : undefined;
}

/** What each of its tasks needs of a machine. */
export function needsOf({ needs }: StepRequest): Needs {
  const { cpus, memoryBytes, labels, sites, confinedBy } = needs;
  return {
    milliCpus: Math.round(cpus * 1000),
    memoryBytes,
    labels,
    ...(sites && { sites, ...(confinedBy && { confinedBy }) }),
  };
}

/** What the tasks are taken to need that a job's own code makes: one CPU, as tasks do that say nothing. */
export function needsOfMade(main: StepRequest): Needs {
  const { milliCpus, ...rest } = needsOf(main);
  return { ...rest, milliCpus: Math.max(milliCpus, cpuMilli) };
}

const cpuMilli = 1000;

/** The kind of a step's tasks. */
export function kindOf({ title, name }: StepRequest): string {
  return title ?? name;
}

/**
 * Bytes of files of earlier steps that one task of a step takes: what those are stated to write, as tasks of a recorded workflow
 * are (model/wfcommons.ts), else what tasks of their kind made in the last job of the title.
 */
export function bytesTaken(
  { inputs }: StepRequest,
  steps: ReadonlyMap<string, StepRequest>,
  past: ReadonlyMap<string, { madeBytes: number }> | undefined,
): number {
  let bytes = 0;
  const makers = new Set<StepRequest>();
  for (const { from } of inputs) {
    if (!("step" in from)) continue;
    const maker = steps.get(from.step);
    const stated = maker && statedBytes(maker, from.output);
    if (stated !== undefined) bytes += stated;
    else if (maker) makers.add(maker);
  }
  for (const maker of makers) bytes += past?.get(kindOf(maker))?.madeBytes ?? 0;
  return bytes;
}

function statedBytes({ source }: StepRequest, output: string): number | undefined {
  if (source.type !== "inputs" || source.inputs.length !== 1) return undefined;
  const { success, data } = statedInput.safeParse(source.inputs[0]);
  return success ? data.writes[output] : undefined;
}

const statedInput = z.object({ writes: z.record(z.string(), z.number().min(0)) });
