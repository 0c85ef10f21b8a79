import { CanopyError } from "#/base/errors.ts";
import type { AutonomicPolicyInput, AutonomicPolicyView } from "#/model/policy-views.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import { formatMicros, parseMoney } from "#/model/units.ts";

/** A policy as it is kept: money in millionths. Throws "invalid" for money in another currency. */
export function autonomicPolicyOf(
  { budget, budgetMax, ...rest }: AutonomicPolicyInput,
  currency: string,
): AutonomicPolicy {
  return {
    type: "autonomic",
    ...rest,
    ...(budget !== undefined && { budgetMicros: budgetOf(budget, currency) }),
    ...(budgetMax !== undefined && { budgetMicrosMax: budgetOf(budgetMax, currency) }),
  } as AutonomicPolicy;
}

export function autonomicPolicyViewOf(
  project: string,
  { type: _, budgetMicros, budgetMicrosMax, ...rest }: AutonomicPolicy,
  currency: string,
): AutonomicPolicyView {
  return {
    project,
    ...rest,
    ...(budgetMicros !== undefined && { budget: `${formatMicros(budgetMicros)} ${currency}` }),
    ...(budgetMicrosMax !== undefined && {
      budgetMax: `${formatMicros(budgetMicrosMax)} ${currency}`,
    }),
  } as AutonomicPolicyView;
}

/** Millionths of the cloud's currency. Throws "invalid" for another one. */
export function budgetOf(text: string, currency: string): number {
  const budget = parseMoney(text);
  if (budget.currency === currency) return budget.micros;
  throw new CanopyError(
    "invalid",
    `Cannot take a budget in ${budget.currency} as prices here are in ${currency}`,
  );
}
