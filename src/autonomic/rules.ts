import { CanopyError } from "#/base/errors.ts";
import { conditionOf, type Condition } from "#/model/condition.ts";
import { isWithinHours } from "#/model/hours.ts";
import type { Goal } from "#/model/plan.ts";
import type { AutonomicAction, AutonomicPolicy, Autonomy, PolicyNeeds } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import { briefSize, formatDuration, formatMicros, formatSize } from "#/model/units.ts";

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
  { sites, sitesNever, markets, needs, quiet, timeZone, where }: AutonomicPolicy,
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
  const lack = needs && lackOf(needs, offer);
  if (lack !== undefined) return `the policy needs ${lack}`;
  const found = condition?.(offer, title);
  if (found instanceof Error)
    return `the policy's condition cannot be told of it: ${found.message}`;
  return found === false ? `the policy's condition is not met: ${where}` : undefined;
}

/** What an offer does not have of what it needs, as "machines of 8 CPUs or more: it has 4". */
function lackOf(
  { cpus = 0, memoryBytes = 0, labels = {} }: PolicyNeeds,
  offer: Offer,
): string | undefined {
  const { capacity } = offer;
  if (capacity.milliCpus < cpus * 1000)
    return `machines of ${cpus} CPUs or more: it has ${capacity.milliCpus / 1000}`;
  if (capacity.memoryBytes < memoryBytes)
    return `machines of ${formatSize(memoryBytes)} or more: it has ${briefSize(capacity.memoryBytes)}`;
  const missing = Object.entries(labels).find(([name, value]) => offer.labels[name] !== value);
  return missing && `machines that are labelled ${missing[0]}=${missing[1]}`;
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
