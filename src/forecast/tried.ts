import { autonomicPolicyName, type AutonomicPolicy, type PolicyRecord } from "#/model/policy.ts";
import type { SchedulingPolicy } from "#/model/scheduling-policy.ts";
import { noAutonomy } from "./autonomy.ts";
import type { Moment } from "./moment.ts";
import { underPolicy } from "./policy.ts";

/** A policy that is tried: one that has a name, or what projects' own policies would say. */
export type Tried = SchedulingPolicy | TriedRules;

export interface TriedRules {
  /** What people call it. */
  readonly title: string;
  readonly rules: AutonomicPolicy;
  /** Whose they are; that of all when absent. */
  readonly project?: string;
}

export function hasRules(tried: Tried): tried is TriedRules {
  return typeof tried !== "string";
}

export function titleOf(tried: Tried): string {
  return hasRules(tried) ? tried.title : tried;
}

/** A moment as it would be under a policy. `projects` are all that have jobs; by rules that have a fleet, machines are bought. */
export function underTried(moment: Moment, tried: Tried, projects: readonly string[]): Moment {
  if (!hasRules(tried)) return underPolicy(moment, tried);
  const { autonomy = noAutonomy } = moment;
  const { project } = tried;
  const set = (project === undefined ? projects : [project]).map((project): PolicyRecord => ({
    kind: "policy",
    project,
    name: autonomicPolicyName(project),
    serial: 0,
    revision: 1,
    spec: tried.rules,
    status: {},
  }));
  const names = new Set(set.map(({ name }) => name));
  const others = autonomy.policies.filter(({ name }) => !names.has(name));
  const policies = [...others, ...set];
  return { ...moment, autonomy: { ...autonomy, policies } };
}
