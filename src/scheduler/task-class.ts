import { classOf, heldBy, type Needs } from "#/model/needs.ts";
import type { TaskTemplate } from "#/model/task.ts";

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

/** The class of a step's tasks. A durable job's own code holds no CPU, as it waits most of its time. */
export function classOfTemplate({ run, needs }: TaskTemplate): TaskClass {
  const isJob = run.driver === "runner" && run.role === "job";
  return classOfNeeds(isJob ? { ...needs, milliCpus: 0 } : needs, run.driver);
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
