import { clashOfCondition } from "./condition-clash.ts";
import { isRuled } from "./confinement.ts";
import type { AutonomicPolicyInput } from "./policy-views.ts";

/** Statements of a policy that cannot all hold: two, or one that contradicts itself, or three where it takes as many. */
export interface Clash {
  /** Where they stand, as paths into the policy. */
  readonly paths: readonly (readonly (string | number)[])[];
  readonly sentence: string;
}

const allDays = 7;

/** "a and b contradict each other". */
export function contradictionOf(places: readonly string[]): string {
  if (places.length === 1) return `${places[0]} contradicts itself`;
  return `${places.slice(0, -1).join(", ")} and ${places.at(-1)} contradict each other`;
}

/**
 * The first statements that contradict each other; undefined where none do. Throws "invalid" where the
 * condition is no CEL.
 */
export async function clashOf(policy: AutonomicPolicyInput): Promise<Clash | undefined> {
  return clashOfBounds(policy) ?? clashOfData(policy) ?? (await clashOfCondition(policy));
}

/** Data that may be nowhere: its sites are forbidden, none of them is allowed, or two rules on the same leave none. */
function clashOfData({
  data = [],
  sites,
  sitesNever = [],
}: AutonomicPolicyInput): Clash | undefined {
  for (const [at, rule] of data.entries()) {
    const { blobs } = rule;
    if (rule.sites.every((site) => sitesNever.includes(site)))
      return {
        paths: [["data", at, "sites"], ["sitesNever"]],
        sentence: `${blobs} may be read at ${rule.sites.join(", ")} only, and that is forbidden`,
      };
    if (sites && !rule.sites.some((site) => sites.includes(site)))
      return {
        paths: [["data", at, "sites"], ["sites"]],
        sentence: `${blobs} may be read at ${rule.sites.join(", ")} only, and only ${sites.join(", ")} is allowed`,
      };
    const other = data.findIndex(
      (one, index) =>
        index < at &&
        (isRuled(one, blobs) || isRuled(rule, one.blobs)) &&
        !one.sites.some((site) => rule.sites.includes(site)),
    );
    if (other >= 0)
      return {
        paths: [
          ["data", other, "sites"],
          ["data", at, "sites"],
        ],
        sentence: `what is both ${data[other]!.blobs} and ${blobs} may be read at no site`,
      };
  }
  return undefined;
}

function clashOfBounds(policy: AutonomicPolicyInput): Clash | undefined {
  const { deadlineMs, deadlineMsMax, budget, budgetMax, sites = [], sitesNever = [] } = policy;
  const currencies = clashOfCurrencies(policy);
  if (currencies) return currencies;
  for (const [name, money] of Object.entries({ budget, budgetMax }))
    if (money !== undefined && amountOf(money) === 0)
      return {
        paths: [[name]],
        sentence:
          "a job is ended when it has cost its budget, so that with one of nothing none can run",
      };
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
  const { quiet, autonomy, fleet } = policy;
  if (fleet && (fleet.machinesMin ?? 0) > fleet.machinesMax)
    return {
      paths: [
        ["fleet", "machinesMin"],
        ["fleet", "machinesMax"],
      ],
      sentence: "the least number of machines is above the largest",
    };
  const isKept = fleet !== undefined && (fleet.machinesMin ?? 0) > 0;
  if (isKept && fleet.budgetPerHour !== undefined && amountOf(fleet.budgetPerHour) === 0)
    return {
      paths: [
        ["fleet", "machinesMin"],
        ["fleet", "budgetPerHour"],
      ],
      sentence: "machines are to be there all the time, and nothing may be billed for them",
    };
  if (isKept && autonomy?.buy !== undefined && !["act", "approve"].includes(autonomy.buy))
    return {
      paths: [
        ["fleet", "machinesMin"],
        ["autonomy", "buy"],
      ],
      sentence: `machines are to be there all the time, and by autonomy.buy '${autonomy.buy}' none is bought`,
    };
  const isAlways =
    quiet !== undefined && quiet.from === quiet.to && new Set(quiet.days).size === allDays;
  if (isAlways && fleet)
    return {
      paths: [["quiet"], ["fleet"]],
      sentence: "all hours are quiet, in which nothing is bought, and a fleet is to be bought",
    };
  if (isAlways && (autonomy?.buy === "act" || autonomy?.buy === "approve"))
    return {
      paths: [["quiet"], ["autonomy", "buy"]],
      sentence: `all hours are quiet, in which nothing is bought, and autonomy.buy is '${autonomy.buy}'`,
    };
  return undefined;
}

/** Sums of money that cannot be compared, as prices are in one currency. */
function clashOfCurrencies({ budget, budgetMax, fleet }: AutonomicPolicyInput): Clash | undefined {
  const sums = [
    { path: ["budget"], money: budget },
    { path: ["budgetMax"], money: budgetMax },
    { path: ["fleet", "budgetPerHour"], money: fleet?.budgetPerHour },
  ].flatMap(({ path, money }) => (money === undefined ? [] : [{ path, in: money.slice(-3) }]));
  const [first] = sums;
  const other = sums.find((sum) => sum.in !== first!.in);
  if (!first || !other) return undefined;
  return {
    paths: [first.path, other.path],
    sentence: `one sum is in ${first.in} and the other in ${other.in}`,
  };
}

function clash(one: string, other: string, sentence: string): Clash {
  return { paths: [[one], [other]], sentence };
}

/** The number of "3.00 USD". */
function amountOf(money: string): number {
  return Number.parseFloat(money);
}
