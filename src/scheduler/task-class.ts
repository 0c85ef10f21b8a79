import { classOf, heldBy, type Needs } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";

/** Tasks with equal needs and the same driver: whether they fit a machine is asked once for all. */
export interface TaskClass {
  readonly key: string;
  readonly driver: string;
  /** What one of them holds of its machine. */
  readonly milliCpus: number;
  readonly memoryBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly sites?: readonly string[] | undefined;
  readonly confinedBy?: readonly string[] | undefined;
}

/**
 * The class of a step's tasks. A durable job's own code holds no CPU, as it waits most of its time. A gang
 * is of another class than single tasks are, and than gangs of other sizes: none stands for the others.
 */
export function classOfStep({ spec, status }: StepRecord): TaskClass {
  const { run, needs } = spec.template;
  const isJob = run.driver === "runner" && run.role === "job";
  const taskClass = classOfNeeds(isJob ? { ...needs, milliCpus: 0 } : needs, run.driver);
  if (!spec.gang) return taskClass;
  const size = spec.gang.minimum ?? status.total ?? status.offered;
  return { ...taskClass, key: `${taskClass.key} gang of ${size}` };
}

export function classOfNeeds(needs: Needs, driver: string): TaskClass {
  const { labels, sites, confinedBy } = needs;
  const held = {
    ...heldBy(needs),
    labels,
    ...(sites && { sites, ...(confinedBy && { confinedBy }) }),
  };
  return { key: classOf(held, driver), driver, ...held };
}
