import { autonomicPolicyName, policyOf, type Autonomy } from "#/model/policy.ts";
import type { Space } from "#/space/space.ts";

/** How far Canopy may heal by itself what is a project's. */
export function healLevel(space: Pick<Space, "get">, project: string): Autonomy {
  const policy = space.get("policy", autonomicPolicyName(project));
  return policyOf(policy, "autonomic")?.autonomy.heal ?? "act";
}
