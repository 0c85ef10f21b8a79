import { CanopyError, messageOf } from "#/base/errors.ts";
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
  /** The goal of a job: what it asks for, and the policy's where it asks for nothing. Throws "infeasible" beyond the bounds. */
  goalOf(asked: Partial<Goal>): Goal;
}

/** Compiles the policy's condition, which takes some milliseconds the first time. Throws "invalid" where it is no CEL. */
export async function rulesOf(policy: AutonomicPolicy | undefined): Promise<Rules> {
  if (!policy) return free;
  const condition = policy.where === undefined ? undefined : await conditionOf(policy.where);
  return {
    allowed: (offer, title, now) => whyNot(policy, condition, offer, title, now),
    level: (action) => policy.autonomy[action],
    goalOf: (asked) => goalWithin(policy, asked),
  };
}

const free: Rules = {
  allowed: () => undefined,
  level: () => "act",
  goalOf: (asked) => ({ objective: "cost", ...asked }),
};

type Condition = (offer: Offer, title: string) => boolean | Error;

/** CEL, the Common Expression Language (https://cel.dev); loaded only where somebody uses it. */
async function conditionOf(text: string): Promise<Condition> {
  const { celEnv, parse, plan } = await import("@bufbuild/cel");
  try {
    const program = plan(celEnv(), parse(text));
    return (offer, title) => {
      const found = program(boundOf(offer, title) as never);
      if (typeof found === "boolean" || found instanceof Error) return found;
      return new Error("it is neither true nor false");
    };
  } catch (thrown) {
    throw new CanopyError("invalid", `Cannot read the condition '${text}': ${messageOf(thrown)}`, {
      hint: `Write it in CEL, as in: offer.zone.startsWith("eu-") && offer.perHour < 1.0`,
    });
  }
}

/** What a condition may speak of. What is unknown is absent: has(offer.perHour) tells. */
function boundOf(offer: Offer, title: string): object {
  const { site, name, market, zone, labels, capacity, microsPerHour, gramsPerKwh } = offer;
  return {
    offer: {
      site,
      name,
      market,
      zone,
      labels,
      cpus: capacity.milliCpus / 1000,
      memoryBytes: capacity.memoryBytes,
      ...(microsPerHour !== undefined && { perHour: microsPerHour / 1e6 }),
      ...(gramsPerKwh !== undefined && { gramsPerKwh }),
    },
    job: { title },
  };
}

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

function goalWithin(policy: AutonomicPolicy, asked: Partial<Goal>): Goal {
  const { deadlineMs = policy.deadlineMs, budgetMicros = policy.budgetMicros } = asked;
  const { deadlineMsMax, budgetMicrosMax } = policy;
  if (deadlineMsMax !== undefined && (deadlineMs ?? Infinity) > deadlineMsMax)
    throw new CanopyError(
      "infeasible",
      `Cannot plan it as the project's policy allows deadlines up to ${formatDuration(deadlineMsMax)}: ${deadlineMs === undefined ? "none was asked for" : `${formatDuration(deadlineMs)} was asked for`}`,
      { hint: `Ask for less: --deadline ${formatDuration(deadlineMsMax)}` },
    );
  if (budgetMicrosMax !== undefined && (budgetMicros ?? Infinity) > budgetMicrosMax)
    throw new CanopyError(
      "infeasible",
      `Cannot plan it as the project's policy allows budgets up to ${formatMicros(budgetMicrosMax)}: ${budgetMicros === undefined ? "none was asked for" : `${formatMicros(budgetMicros)} was asked for`}`,
      { hint: `Ask for less: --budget ${formatMicros(budgetMicrosMax)}` },
    );
  return {
    objective: asked.objective ?? policy.objective ?? "cost",
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(budgetMicros !== undefined && { budgetMicros }),
  };
}
