import type { MachineRecord } from "#/model/machine.ts";
import { classOf } from "#/model/needs.ts";
import type { Offer } from "#/model/site.ts";
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
    sortInJob(jobOf(name), spec.title),
    `class ${project} ${what} ${classOf(needs, run.driver)}`,
    sortOfTitle(project, spec.title),
    "all",
  ];
}

export function sortInJob(job: string, title: string): string {
  return `step ${job} ${title}`;
}

export function sortOfTitle(project: string, title: string): string {
  return `title ${project} ${title}`;
}

/** Machines of one type are taken to be equally fast. */
export function machineTypeOf({ spec, status }: Pick<MachineRecord, "spec" | "status">): string {
  return `${typeOfOffer({ site: spec.site, capacity: status.capacity })}${status.arch}`;
}

/** What the types of machines begin with that an offer may give: what it does not say is their architecture. */
export function typeOfOffer({ site, capacity }: Pick<Offer, "site" | "capacity">): string {
  return `${site} ${capacity.milliCpus} `;
}
