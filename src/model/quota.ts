import type { Capacity } from "./needs.ts";

/** So much of each resource; one that is not named is not limited. */
export type Amounts = Partial<Capacity>;

/** What a project may have under way at once, and with whom it shares what is idle. */
export interface QuotaSpec {
  /** What it is entitled to. */
  quota?: Amounts;
  /** Projects of one cohort lend each other what they do not use of their quotas. */
  cohort?: string;
  /** How much it may use beyond its quota at most; all that is idle in the cohort when absent. */
  borrow?: Amounts;
}

/** The rule of quotas that is broken, and how to keep it; undefined when none is. */
export function quotaFault(
  project: string,
  { quota, cohort, borrow }: QuotaSpec,
): { message: string; hint: string } | undefined {
  if (cohort !== undefined && quota === undefined) {
    return {
      message: `Cannot put project ${project} into cohort ${cohort} as it must have a quota to lend: it has none`,
      hint: `canopy project set ${project} --quota 20cpu --cohort ${cohort}`,
    };
  }
  if (borrow === undefined) return undefined;
  if (cohort === undefined) {
    return {
      message: `Cannot let project ${project} borrow as it must be in a cohort: it is in none`,
      hint: `canopy project set ${project} --cohort NAME`,
    };
  }
  if (borrow.memoryBytes !== undefined && quota?.memoryBytes === undefined) {
    return lacksQuota(project, "memory");
  }
  return borrow.milliCpus !== undefined && quota?.milliCpus === undefined
    ? lacksQuota(project, "CPUs")
    : undefined;
}

function lacksQuota(project: string, what: string) {
  return {
    message: `Cannot let project ${project} borrow ${what} as it must have a quota of them: it has none`,
    hint: `See what it has: canopy project list`,
  };
}
