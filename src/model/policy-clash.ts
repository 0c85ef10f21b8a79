import { conditionOf } from "./condition.ts";
import { isRuled } from "./confinement.ts";
import type { AutonomicPolicyInput } from "./policy-views.ts";

/** Two statements of a policy that cannot both hold. */
export interface Clash {
  /** Where they stand, as paths into the policy. */
  readonly paths: readonly [readonly (string | number)[], readonly (string | number)[]];
  readonly sentence: string;
}

const allDays = 7;

/**
 * The first two statements that contradict each other; undefined where none do. Throws "invalid" where the
 * condition is no CEL.
 */
export async function clashOf(policy: AutonomicPolicyInput): Promise<Clash | undefined> {
  return clashOfBounds(policy) ?? clashOfData(policy) ?? (await clashOfCondition(policy));
}

/** A condition that is false of each market, or of each site, that another statement allows: nothing else of an offer can make it true. */
async function clashOfCondition({
  where,
  sites,
  markets,
  needs,
}: AutonomicPolicyInput): Promise<Clash | undefined> {
  if (where === undefined) return undefined;
  const condition = await conditionOf(where);
  const isNever = (known: readonly Parameters<typeof condition>[0][]) =>
    known.length > 0 && known.every((offer) => condition(offer) === false);
  const clashWith = (path: string, words: readonly string[]): Clash => ({
    paths: [["where"], [path]],
    sentence: `the condition '${where}' is met by nothing of ${words.join(" or ")}, and nothing else is allowed`,
  });
  if (markets && isNever(markets.map((market) => ({ market }))))
    return clashWith("markets", markets);
  if (sites && isNever(sites.map((site) => ({ site })))) return clashWith("sites", sites);
  const { labels } = needs ?? {};
  if (labels && isNever([{ labels }]))
    return {
      paths: [["where"], ["needs", "labels"]],
      sentence: `the condition '${where}' is met by nothing that has the labels which it needs`,
    };
  return undefined;
}

/** Data that may be nowhere: its sites are forbidden, none of them is allowed, or two rules on the same leave none. */
function clashOfData({
  data = [],
  sites,
  sitesNever = [],
}: AutonomicPolicyInput): Clash | undefined {
  for (const [at, rule] of data.entries()) {
    const { objects } = rule;
    if (rule.sites.every((site) => sitesNever.includes(site)))
      return {
        paths: [["data", at, "sites"], ["sitesNever"]],
        sentence: `${objects} may be read at ${rule.sites.join(", ")} only, and that is forbidden`,
      };
    if (sites && !rule.sites.some((site) => sites.includes(site)))
      return {
        paths: [["data", at, "sites"], ["sites"]],
        sentence: `${objects} may be read at ${rule.sites.join(", ")} only, and only ${sites.join(", ")} is allowed`,
      };
    const other = data.findIndex(
      (one, index) =>
        index < at &&
        (isRuled(one, objects) || isRuled(rule, one.objects)) &&
        !one.sites.some((site) => rule.sites.includes(site)),
    );
    if (other >= 0)
      return {
        paths: [
          ["data", other, "sites"],
          ["data", at, "sites"],
        ],
        sentence: `what is both ${data[other]!.objects} and ${objects} may be read at no site`,
      };
  }
  return undefined;
}

function clashOfBounds(policy: AutonomicPolicyInput): Clash | undefined {
  const { deadlineMs, deadlineMsMax, budget, budgetMax, sites = [], sitesNever = [] } = policy;
  const currencies = clashOfCurrencies(policy);
  if (currencies) return currencies;
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
