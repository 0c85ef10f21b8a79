import { gridSize } from "#/model/grid.ts";
import type { StepRequest } from "#/model/job-request.ts";
import type { Needs } from "#/model/needs.ts";

/** How many tasks a step has; undefined where only running tells. `lines` says how many an object has. */
export function tasksOf(
  { source }: StepRequest,
  lines: ReadonlyMap<string, number> | undefined,
): number | undefined {
  if (source.type === "lines") return lines?.get(source.object);
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
