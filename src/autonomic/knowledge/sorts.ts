import type { MachineRecord } from "#/model/machine.ts";
import { classOf } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";

/**
 * The sorts that a step's tasks belong to, the narrowest first: tasks of the same job and title; tasks
 * that run the same thing with the same needs; tasks of the same title in the same project; all tasks.
 */
export function sortsOf({
  name,
  project,
  spec,
}: Pick<StepRecord, "name" | "project" | "spec">): readonly string[] {
  const { run, needs } = spec.template;
  const what =
    run.driver === "runner" ? `${run.module} ${run.function}` : JSON.stringify(run.command);
  return [
    `step ${jobOf(name)} ${spec.title}`,
    `class ${project} ${what} ${classOf(needs, run.driver)}`,
    `title ${project} ${spec.title}`,
    "all",
  ];
}

/** Machines of one type are taken to be equally fast. */
export function machineTypeOf({ spec, status }: Pick<MachineRecord, "spec" | "status">): string {
  return `${spec.site} ${status.arch} ${status.capacity.milliCpus}`;
}
