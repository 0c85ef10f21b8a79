import type { Facts } from "./conditions.ts";
import { evaluateResource } from "./evaluate.ts";
import { parsePolicy } from "./policy.ts";

/**
 * Whether a role's trust lets a service of AWS assume it ("lambda.amazonaws.com"). `trust` is JSON that was found good when it
 * came; `facts` are condition keys in lower case: "aws:sourceaccount".
 */
export function trustsService(trust: string, service: string, facts: Facts): boolean {
  const principal = {
    kind: "account" as const,
    project: "",
    accountId: "",
    arn: `Service ${service}`,
    userId: "",
    name: service,
  };
  const asked = { action: "sts:AssumeRole", resource: "*", facts, variables: () => undefined };
  return evaluateResource(parsePolicy(trust, "trust"), principal, asked)?.effect === "allow";
}
