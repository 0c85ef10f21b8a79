import { autonomicPolicyName, policyOf, type PolicyRecord } from "#/model/policy.ts";
import type { Space } from "#/space/space.ts";
import { rulesOf, type Rules } from "./rules.ts";

/** The rules of projects, compiled once for each revision of their policies. */
export class KnownRules {
  #space: Pick<Space, "get">;
  #known = new Map<string, { of: PolicyRecord | undefined; rules: Rules }>();

  constructor(space: Pick<Space, "get">) {
    this.#space = space;
  }

  async of(project: string): Promise<Rules> {
    const record = this.#space.get("policy", autonomicPolicyName(project));
    const known = this.#known.get(project);
    if (known && known.of === record) return known.rules;
    const rules = await rulesOf(policyOf(record, "autonomic"));
    this.#known.set(project, { of: record, rules });
    return rules;
  }
}
