import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseWfCommons } from "#/model/wfcommons.ts";
import type { Link, PlanMachine, PlanTask } from "#/planning/schedule/problem.ts";

export interface RecordedWorkflow {
  name: string;
  /** Each needs one CPU for its recorded run time in ms, and the files that tasks before it have written. */
  tasks: PlanTask[];
}

/** The workflows of a folder as the product reads them, in the order of their names. */
export async function recordedWorkflows(folder: string): Promise<RecordedWorkflow[]> {
  const paths = await Array.fromAsync(glob(join(folder, "*.json")));
  return Promise.all(paths.toSorted().map(readWorkflow));
}

async function readWorkflow(path: string): Promise<RecordedWorkflow> {
  const { request } = parseWfCommons(await readFile(path, "utf8"), basename(path), {
    command: ["true"],
  });
  const inputs = request.steps.map(({ source }) => {
    if (source?.type !== "inputs") throw new Error(`Cannot plan ${path}: a step has no input`);
    return source.inputs![0] as { cpuMs: number; writes: Record<string, number> };
  });
  const indexes = new Map(request.steps.map(({ name }, index) => [name, index]));
  const tasks = request.steps.map((step, index) => {
    const bytes = new Map((step.after ?? []).map((name) => [indexes.get(name)!, 0]));
    for (const { from } of step.inputs ?? []) {
      if (!("step" in from)) continue;
      const writer = indexes.get(from.step)!;
      bytes.set(writer, (bytes.get(writer) ?? 0) + inputs[writer]!.writes[from.output]!);
    }
    const after = Array.from(bytes, ([task, size]) => ({ task, bytes: size }));
    return { duration: inputs[index]!.cpuMs, needs: [1], after };
  });
  return { name: basename(path, ".json"), tasks };
}

/** One machine of this many CPUs, which share its disk. */
export const equalCpus = (cpus: number): PlanMachine[] => [{ capacity: [cpus] }];

const speeds = [1, 1.5, 2, 3];
/** Of the network's rate; every fourth machine of a kind has a slow line. */
const rates = [1, 1, 0.5, 0.1];

/**
 * A park of machines of one CPU each: four kinds, whose speeds go from 1 to 3, with lines of four rates
 * dealt to every kind in turn. Two machines exchange data at the rate of the slower line, 1 ms late.
 */
export function unlikeMachines(count: number, bytesPerSecond: number) {
  const rate = (machine: number) =>
    (bytesPerSecond / 1000) * rates[(machine + Math.floor(machine / 4)) % 4]!;
  const link = (from: number, to: number): Link => ({
    latency: 1,
    bandwidth: Math.min(rate(from), rate(to)),
  });
  const machines: PlanMachine[] = Array.from({ length: count }, (_, machine) => ({
    capacity: [1],
    speed: speeds[machine % 4]!,
  }));
  return { machines, link };
}
