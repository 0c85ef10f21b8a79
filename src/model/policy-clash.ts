import type { AutonomicPolicyInput } from "./policy-views.ts";

/** Two statements of a policy that cannot both hold. */
export interface Clash {
  /** Where they stand, as paths into the policy. */
  readonly paths: readonly [readonly (string | number)[], readonly (string | number)[]];
  readonly sentence: string;
}

const allDays = 7;

/** The first two statements that contradict each other; undefined where none do. */
export function clashOf(policy: AutonomicPolicyInput): Clash | undefined {
  const { deadlineMs, deadlineMsMax, budget, budgetMax, sites = [], sitesNever = [] } = policy;
  if (deadlineMs !== undefined && deadlineMsMax !== undefined && deadlineMs > deadlineMsMax)
    return clash(
      "deadlineMs",
      "deadlineMsMax",
      "the deadline of jobs that name none is beyond the longest that one may ask for",
    );
  if (budget !== undefined && budgetMax !== undefined && amountOf(budget) > amountOf(budgetMax))
    return clash(
      "budget",
      "budgetMax",
      "the budget of jobs that name none is above the largest that one may ask for",
    );
  const both = sites.find((site) => sitesNever.includes(site));
  if (both !== undefined)
    return {
      paths: [
        ["sites", sites.indexOf(both)],
        ["sitesNever", sitesNever.indexOf(both)],
      ],
      sentence: `the site '${both}' is allowed and forbidden`,
    };
  const { quiet, autonomy } = policy;
  const isAlways =
    quiet !== undefined && quiet.from === quiet.to && new Set(quiet.days).size === allDays;
  if (isAlways && (autonomy?.buy === "act" || autonomy?.buy === "approve"))
    return {
      paths: [["quiet"], ["autonomy", "buy"]],
      sentence: `all hours are quiet, in which nothing is bought, and autonomy.buy is '${autonomy.buy}'`,
    };
  return undefined;
}

function clash(one: string, other: string, sentence: string): Clash {
  return { paths: [[one], [other]], sentence };
}

/** The number of "3.00 USD". */
function amountOf(money: string): number {
  return Number.parseFloat(money);
}
