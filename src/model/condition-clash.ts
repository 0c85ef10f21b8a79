import { conditionOf, type Condition, type KnownOffer } from "./condition.ts";
import { factsOf, type ConditionFacts, type FactUse } from "./condition-facts.ts";
import type { AutonomicPolicyInput } from "./policy-views.ts";
import { markets as allMarkets } from "./site.ts";
import { formatSize } from "./units.ts";

/** Statements of a policy that a condition meets, as paths into it. */
export interface ConditionClash {
  readonly paths: readonly (readonly string[])[];
  readonly sentence: string;
}

/** Offers that a condition is asked about at most; beyond, facts count as unknown. */
const trialsMax = 20_000;

/** What else of a policy bounds an offer, one statement each. */
interface Bounds {
  sites?: readonly string[];
  sitesNever?: readonly string[];
  markets?: readonly string[];
  cpus?: number;
  memoryBytes?: number;
  labels?: Readonly<Record<string, string>>;
}

/**
 * The statements that leave a policy's condition nothing that could meet it: the condition alone, or together with as few
 * others as it takes. Undefined where some offer may. Throws "invalid" where the condition is no CEL.
 *
 * Where its answer changes is told by the constants that it compares facts with, so one offer on, between and beyond
 * them stands for all. What it does more with than compare counts as unknown, and whatever is unknown may meet it.
 */
export async function clashOfCondition(
  policy: AutonomicPolicyInput,
): Promise<ConditionClash | undefined> {
  const { where, sites, sitesNever, markets, needs } = policy;
  if (where === undefined) return undefined;
  const condition = await conditionOf(where);
  const facts = await factsOf(where);
  if (!facts || facts.isOpen) return undefined;
  const all: Bounds = {
    ...(sites && { sites }),
    ...(sitesNever && { sitesNever }),
    ...(markets && { markets }),
    ...needs,
  };
  if (canBeMet(condition, facts, all)) return undefined;
  let least = all;
  for (const name of Object.keys(all) as (keyof Bounds)[]) {
    const { [name]: _, ...fewer } = least;
    if (!canBeMet(condition, facts, fewer)) least = fewer;
  }
  const names = Object.keys(least) as (keyof Bounds)[];
  const of = names.map((name) => words[name](least));
  const nothing = `the condition '${where}' is met by nothing`;
  return {
    paths: [["where"], ...names.map((name) => (isOfNeeds(name) ? ["needs", name] : [name]))],
    sentence:
      of.length === 0 ? nothing : `${nothing} ${of.join(", ")}, and nothing else is allowed`,
  };
}

const words: Record<keyof Bounds, (bounds: Bounds) => string> = {
  sites: ({ sites }) => `of ${sites!.join(" or ")}`,
  sitesNever: ({ sitesNever }) => `outside ${sitesNever!.join(" and ")}`,
  markets: ({ markets }) => `of ${markets!.join(" or ")}`,
  cpus: ({ cpus }) => `of ${cpus} CPUs or more`,
  memoryBytes: ({ memoryBytes }) => `of ${formatSize(memoryBytes!)} or more`,
  labels: () => "that has the labels which it needs",
};

function isOfNeeds(name: keyof Bounds): boolean {
  return name === "cpus" || name === "memoryBytes" || name === "labels";
}

/** Whether an offer within bounds may meet the condition. */
function canBeMet(condition: Condition, facts: ConditionFacts, bounds: Bounds): boolean {
  let isAllKnown = !facts.isOfJob;
  let offers: KnownOffer[] = [{}];
  for (const [fact, use] of facts.offer) {
    const values = valuesOf(fact, use, bounds);
    if (values && offers.length * values.length <= trialsMax) {
      offers = offers.flatMap((offer) => values.map((value) => merged(offer, value)));
      continue;
    }
    // a condition that asks whether it is there would be told that it is not
    if (use.isTested) return true;
    isAllKnown = false;
  }
  return offers.some((offer) => {
    const found = condition(offer);
    return found === true || (found instanceof Error && !isAllKnown);
  });
}

function merged(one: KnownOffer, other: KnownOffer): KnownOffer {
  const capacity = { ...one.capacity, ...other.capacity };
  return { ...one, ...other, capacity };
}

/** One offer for each value of a fact that may make a difference; undefined where nobody can say which those are. */
function valuesOf(fact: string, use: FactUse, bounds: Bounds): KnownOffer[] | undefined {
  const { sites, sitesNever = [], markets = allMarkets, cpus = 0, memoryBytes = 0 } = bounds;
  const absent = use.isTested ? [{}] : [];
  switch (fact) {
    case "site":
      return (sites ?? textsOf(use))
        ?.filter((site) => !sitesNever.includes(site))
        .map((site) => ({ site }));
    case "market":
      return allMarkets.filter((one) => markets.includes(one)).map((market) => ({ market }));
    case "zone":
      return textsOf(use)?.map((zone) => ({ zone }));
    case "name":
      return textsOf(use)?.map((name) => ({ name }));
    case "labels":
      return use.isOdd || use.isTested || !bounds.labels ? undefined : [{ labels: bounds.labels }];
    case "cpus":
      return numbersOf(use, cpus, 1000)?.map((milliCpus) => ({ capacity: { milliCpus } }));
    case "memoryBytes":
      return numbersOf(use, memoryBytes)?.map((bytes) => ({ capacity: { memoryBytes: bytes } }));
    case "perHour": {
      const prices = numbersOf(use, 0, 1e6);
      return prices && [...absent, ...prices.map((microsPerHour) => ({ microsPerHour }))];
    }
    case "gramsPerKwh": {
      const grams = numbersOf(use, 0);
      return grams && [...absent, ...grams.map((gramsPerKwh) => ({ gramsPerKwh }))];
    }
    default:
      return undefined;
  }
}

/** Those that it is compared with, and one that is none of them. */
function textsOf({ constants, isOdd }: FactUse): string[] | undefined {
  if (isOdd) return undefined;
  const texts = constants.filter((one) => typeof one === "string");
  return [...new Set([...texts, `none of ${texts.join()}`])];
}

/** From `least` on: on, between and beyond those that it is compared with, in whole numbers of `1 / perUnit`. */
function numbersOf(
  { constants, isOdd }: FactUse,
  least: number,
  perUnit = 1,
): number[] | undefined {
  if (isOdd) return undefined;
  const marks = [0, least, ...constants.filter((one) => typeof one === "number")].sort(
    (a, b) => a - b,
  );
  const between = marks.slice(1).map((mark, at) => (mark + marks[at]!) / 2);
  const beyond = 2 * Math.abs(marks.at(-1)!) + 1;
  const all = [...marks, ...between, beyond].map((one) => Math.round(one * perUnit));
  return [...new Set(all)].filter((one) => one >= least * perUnit);
}
