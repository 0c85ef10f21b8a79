import { CanopyError } from "#/base/errors.ts";
import type { ObjectiveInput } from "#/model/objective-views.ts";
import type { Objective } from "#/model/plan.ts";
import type { AutonomicPolicyInput, AutonomicPolicyView } from "#/model/policy-views.ts";
import type { AutonomicPolicy, FleetPolicy } from "#/model/policy.ts";
import { formatMicros, parseMoney } from "#/model/units.ts";

/** A policy as it is kept: money in millionths. Throws "invalid" for money in another currency. */
export function autonomicPolicyOf(
  { budget, budgetMax, fleet, objective, ...rest }: AutonomicPolicyInput,
  currency: string,
): AutonomicPolicy {
  return {
    type: "autonomic",
    ...rest,
    ...(objective !== undefined && { objective: objectiveOf(objective, currency) }),
    ...(budget !== undefined && { budgetMicros: budgetOf(budget, currency) }),
    ...(budgetMax !== undefined && { budgetMicrosMax: budgetOf(budgetMax, currency) }),
    ...(fleet && { fleet: fleetOf(fleet, currency) }),
  } as AutonomicPolicy;
}

function fleetOf(
  { budgetPerHour, ...rest }: NonNullable<AutonomicPolicyInput["fleet"]>,
  currency: string,
): object {
  if (budgetPerHour === undefined) return rest;
  return { ...rest, budgetMicrosPerHour: budgetOf(budgetPerHour, currency) };
}

function fleetViewOf({ budgetMicrosPerHour: micros, ...rest }: FleetPolicy, currency: string) {
  if (micros === undefined) return rest;
  return { ...rest, budgetPerHour: `${formatMicros(micros)} ${currency}` };
}

export function autonomicPolicyViewOf(
  project: string,
  { type: _, budgetMicros, budgetMicrosMax, fleet, objective, ...rest }: AutonomicPolicy,
  currency: string,
): AutonomicPolicyView {
  return {
    project,
    ...rest,
    ...(objective !== undefined && { objective: objectiveView(objective, currency) }),
    ...(budgetMicros !== undefined && { budget: `${formatMicros(budgetMicros)} ${currency}` }),
    ...(budgetMicrosMax !== undefined && {
      budgetMax: `${formatMicros(budgetMicrosMax)} ${currency}`,
    }),
    ...(fleet && { fleet: fleetViewOf(fleet, currency) }),
  } as AutonomicPolicyView;
}

/** An objective as it is kept. Throws "invalid" for weights in another currency. */
export function objectiveOf(objective: ObjectiveInput, currency: string): Objective {
  if (typeof objective === "string") return objective;
  const micros = (money: string | undefined) =>
    money === undefined ? 0 : budgetOf(money, currency);
  return {
    microsPerHour: micros(objective.hour),
    microsPerKilogram: micros(objective.kilogram),
  };
}

export function objectiveView(objective: Objective, currency: string): ObjectiveInput {
  if (typeof objective === "string") return objective;
  const money = (micros: number) => `${formatMicros(micros)} ${currency}`;
  const { microsPerHour, microsPerKilogram } = objective;
  return {
    ...(microsPerHour > 0 && { hour: money(microsPerHour) }),
    ...(microsPerKilogram > 0 && { kilogram: money(microsPerKilogram) }),
  };
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
