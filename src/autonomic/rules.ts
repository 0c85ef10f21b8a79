import { CanopyError } from "#/base/errors.ts";
import { conditionOf, type Condition } from "#/model/condition.ts";
import { isWithinHours } from "#/model/hours.ts";
import type { Goal } from "#/model/plan.ts";
import type { AutonomicAction, AutonomicPolicy, Autonomy } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";

/** A policy that is ready to be asked. Without one, everything is allowed, and Canopy acts by itself. */
export interface Rules {
  /** Why an offer may not be taken now for a job of that title; undefined when it may. */
  allowed(offer: Offer, title: string, now: number): string | undefined;
  level(action: AutonomicAction): Autonomy;
  /** `goalUnder` it. */
  goalOf(asked: Partial<Goal>): Goal;
}

/** Compiles the policy's condition, which takes some milliseconds the first time. Throws "invalid" where it is no CEL. */
export async function rulesOf(policy: AutonomicPolicy | undefined): Promise<Rules> {
  if (!policy) return free;
  const condition = policy.where === undefined ? undefined : await conditionOf(policy.where);
  return {
    allowed: (offer, title, now) => whyNot(policy, condition, offer, title, now),
    level: (action) => policy.autonomy[action] ?? "act",
    goalOf: (asked) => goalUnder(policy, asked),
  };
}

const free: Rules = {
  allowed: () => undefined,
  level: () => "act",
  goalOf: (asked) => goalUnder(undefined, asked),
};

function whyNot(
  { sites, sitesNever, markets, quiet, timeZone, where }: AutonomicPolicy,
  condition: Condition | undefined,
  offer: Offer,
  title: string,
  now: number,
): string | undefined {
  if (sites && !sites.includes(offer.site)) return `the policy allows only ${sites.join(", ")}`;
  if (sitesNever?.includes(offer.site)) return "the policy forbids its site";
  if (markets && !markets.includes(offer.market)) return `the policy allows no ${offer.market}`;
  if (quiet && isWithinHours(quiet, timeZone, now))
    return `the policy buys nothing from ${quiet.from} to ${quiet.to} ${timeZone}`;
  const found = condition?.(offer, title);
  if (found instanceof Error)
    return `the policy's condition cannot be told of it: ${found.message}`;
  return found === false ? `the policy's condition is not met: ${where}` : undefined;
}

/**
 * The goal of a job under a policy, whichever way the job comes: what it asks for, else what the policy says of jobs that
 * name none, else the most that one may ask for. Throws "infeasible" beyond that.
 */
export function goalUnder(policy: Partial<AutonomicPolicy> = {}, asked: Partial<Goal>): Goal {
  const { deadlineMsMax, budgetMicrosMax } = policy;
  const { deadlineMs = policy.deadlineMs ?? deadlineMsMax } = asked;
  const { budgetMicros = policy.budgetMicros ?? budgetMicrosMax } = asked;
  if (deadlineMsMax !== undefined && deadlineMs! > deadlineMsMax)
    throw new CanopyError(
      "infeasible",
      `Cannot run it as the project's policy allows deadlines up to ${formatDuration(deadlineMsMax)}: ${formatDuration(deadlineMs!)} was asked for`,
      { hint: `Ask for less: --deadline ${formatDuration(deadlineMsMax)}` },
    );
  if (budgetMicrosMax !== undefined && budgetMicros! > budgetMicrosMax)
    throw new CanopyError(
      "infeasible",
      `Cannot run it as the project's policy allows budgets up to ${formatMicros(budgetMicrosMax)}: ${formatMicros(budgetMicros!)} was asked for`,
      { hint: `Ask for ${formatMicros(budgetMicrosMax)} or less: --budget` },
    );
  return {
    objective: asked.objective ?? policy.objective ?? "cost",
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(budgetMicros !== undefined && { budgetMicros }),
  };
}
