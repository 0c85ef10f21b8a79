import { limits } from "#/base/limits.ts";
import type { Objective } from "#/model/plan.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import { formatMicros } from "#/model/units.ts";
import type { MachineType } from "#/planning/mix/problem.ts";
import type { KnownOffer as Offer } from "../machine-types.ts";
import type { Purchase } from "../purchase.ts";
import { slotsOf } from "../slots.ts";
import { hourlyMax } from "./bill.ts";
import {
  bootMsOf,
  cheapest,
  equally,
  isBegun,
  patienceMs,
  presentTypes,
  problemOf,
  typeOf,
  typeOfCost,
  type Wanted,
} from "./question.ts";
import { allThere, flipOfPatience, needOf, unableOf, whyThese } from "./sentences.ts";
import type { FleetMachine, WaitingKind } from "./starts.ts";

/** What is known of a project's shared machines at one moment, as far as it matters for having more. */
export interface Shortage {
  readonly policy: FleetPolicy;
  readonly objective: Objective;
  readonly kinds: readonly WaitingKind[];
  /** That tasks may begin on, those that boot among them. */
  readonly machines: readonly FleetMachine[];
  /** Those that may be taken. */
  readonly offers: readonly Offer[];
  /** Machines of the fleet that are there, boot, or are being given back. */
  readonly owned: number;
  /** What no hour will exceed with them; undefined where a price is unknown. */
  readonly hourMicros: number | undefined;
}

export type Growth =
  | { type: "enough" }
  | { type: "buy"; parts: readonly Purchase[]; why: string[]; flip?: string; short: Short }
  /** More would be needed, and nothing may be bought. */
  | { type: "short"; why: string[]; flip?: string; short: Short };

/** Kinds of which some would begin on one machine more; "any" where machines are to be there whatever waits. */
export type Short = "any" | readonly Pick<WaitingKind, "needs" | "driver">[];

/**
 * Whether a project's shared machines begin all that waits within `waitMsMax`, and else what to buy: a pure
 * function.
 *
 * Tasks have to begin in time, not to end: so the planner's question is put in starts. Within the window a
 * machine begins so many tasks of a kind (`startsWithin`); the mix is the cheapest one that begins all of
 * them. Where no machine boots within the window, the window begins when the fastest of them has booted.
 * Tasks that came first may have less time left than others: they are looked at for themselves. Kinds that
 * nothing can run, that is there or may be bought, are left out: the others do not wait for them.
 */
export function grow(shortage: Shortage): Growth {
  const { policy, owned } = shortage;
  if (owned < policy.machinesMin) return fill(shortage);
  const kinds = shortage.kinds.filter((kind) => !kind.expected || isDue(shortage, kind));
  const all = kinds.map((kind) => ({
    kind,
    tasks: kind.tasks,
    windowMs: windowOf(shortage, kind),
  }));
  const here = kinds.filter(({ expected }) => !expected);
  const oldest = here.flatMap((kind) => {
    const windowMs = policy.waitMsMax - kind.oldest.ageMs;
    // Where nothing that is bought now is there in time, buying does not help those.
    return bootOf(shortage, kind) > windowMs ? [] : [{ kind, tasks: kind.oldest.tasks, windowMs }];
  });
  let vain: Growth = { type: "enough" };
  for (const wanted of [all, oldest]) {
    const growth = buyFor(shortage, wanted);
    if (growth.type !== "enough" && growth.short.length > 0) return growth;
    if (vain.type === "enough") vain = growth;
  }
  return vain;
}

/**
 * Whether machines for tasks that are expected have to be bought now: only where none that is bought when they
 * come would be there in time.
 */
export function isDue(shortage: Pick<Shortage, "offers" | "policy">, kind: WaitingKind): boolean {
  const { inMs, offMs } = kind.expected!;
  const bootMs = bootOf(shortage, kind);
  if (bootMs === Infinity || bootMs <= shortage.policy.waitMsMax) return false;
  return inMs - offMs <= bootMs + 2 * limits.fleetLookMs;
}

function windowOf(shortage: Shortage, kind: WaitingKind): number {
  const { waitMsMax } = shortage.policy;
  const bootMs = bootOf(shortage, kind) - Math.max(0, kind.expected?.inMs ?? 0);
  return bootMs <= waitMsMax || bootMs === Infinity ? waitMsMax : bootMs + waitMsMax;
}

/** Until the fastest machine that could be bought for a kind is there; infinite where there is none. */
function bootOf({ offers }: Pick<Shortage, "offers">, kind: WaitingKind): number {
  const able = offers.filter((offer) => slotsOf(kind, offer) > 0);
  return Math.min(Infinity, ...able.map(bootMsOf));
}

function buyFor(shortage: Shortage, wished: readonly Wanted[]): Growth {
  const { machines, offers, policy, owned } = shortage;
  const left = policy.machinesMax - owned;
  const usable = offers.filter((offer) => hourlyMax(offer) !== undefined && offer.countMax > 0);
  const isAble = (one: Wanted) =>
    presentTypes(machines, [one]).length > 0 ||
    usable.some((offer) => typeOf(offer, [one], policy, left));
  const wanted = wished.filter(isAble);
  const unable = unableOf(
    wished.filter((one) => one.tasks > 0 && !wanted.includes(one)),
    offers,
  );
  const there = presentTypes(machines, wanted);
  if (isBegun(wanted, there)) {
    if (unable.length === 0) return { type: "enough" };
    const need = needOf(policy, wished, presentTypes(machines, wished));
    return { type: "short", why: [need, ...unable], short: [] };
  }
  const short = wanted.map(({ kind }) => kind);
  const need = needOf(policy, wanted, there);
  const flip = flipOfPatience(patienceMs(machines, wanted));
  const typed = usable.flatMap((offer) => {
    const type = typeOf(offer, wanted, policy, left);
    return type ? [{ offer, type }] : [];
  });
  if (typed.length === 0) {
    const why = offers.length === 0 ? "nothing may be bought now" : "no offer can run them in time";
    return { type: "short", why: [need, why, ...unable], ...flip, short };
  }
  if (left <= 0) return { type: "short", why: [need, allThere(policy), ...unable], ...flip, short };
  const types = typed.map(({ type }) => type);
  const problem = problemOf(wanted, [...there, ...types], shortage.objective);
  const best = cheapest(problem, there.length);
  // More machines than there may be: as few as possible.
  const counts = total(best) > left ? cheapest(equally(problem), there.length) : best;
  return limited(shortage, typed, counts, { need, unable, flip, short });
}

/** What is said of it, and of which kinds. */
interface Reason {
  readonly need: string;
  readonly unable: readonly string[];
  readonly flip: { flip?: string };
  readonly short: Short;
}

/** What is bought of what would be needed: within the number of machines, and within the budget of an hour. */
function limited(
  { policy, owned, hourMicros }: Shortage,
  typed: readonly { offer: Offer; type: MachineType }[],
  wished: readonly number[],
  { need, unable, flip, short }: Reason,
): Growth {
  const counts = [...wished];
  const { budgetMicrosPerHour: budget = Infinity, machinesMax } = policy;
  const bill = () =>
    counts.reduce(
      (sum, count, at) => sum + count * hourlyMax(typed[at]!.offer)!,
      hourMicros ?? Infinity,
    );
  const worth = ({ offer, type }: (typeof typed)[number]) =>
    Math.max(...type.slots) / Math.max(1, hourlyMax(offer)!);
  const limitedBy: string[] = [];
  const dearest = () =>
    [...counts.keys()]
      .filter((at) => counts[at]! > 0)
      .toSorted((a, b) => worth(typed[a]!) - worth(typed[b]!))[0];
  for (
    let at = dearest();
    at !== undefined && owned + total(counts) > machinesMax;
    at = dearest()
  ) {
    counts[at]! -= 1;
    limitedBy[0] = `more are not allowed: machinesMax is ${machinesMax}`;
  }
  for (
    let at = dearest();
    at !== undefined && budget < Infinity && bill() > budget;
    at = dearest()
  ) {
    counts[at]! -= 1;
    limitedBy[1] = `more would cost more in an hour than the ${formatMicros(budget)} of budgetPerHour`;
  }
  const limits = limitedBy.filter((why) => why !== undefined);
  if (total(counts) === 0)
    return { type: "short", why: [need, ...limits, ...unable], ...flip, short };
  const parts = typed.flatMap(({ offer: { site, name } }, at) =>
    counts[at]! > 0 ? [{ site, offer: name, count: counts[at]! }] : [],
  );
  const why = [need, ...whyThese(typed, counts), ...limits, ...unable];
  return { type: "buy", parts, why, ...flip, short };
}

/** The machines that are to be there whatever waits: the cheapest for a CPU. */
function fill(shortage: Shortage): Growth {
  const { policy, owned, offers } = shortage;
  const need = `the policy wants ${policy.machinesMin} machines at least, and there are ${owned}`;
  const perCpu = (offer: Offer) => hourlyMax(offer)! / offer.capacity.milliCpus;
  const [best] = offers
    .filter((offer) => hourlyMax(offer) !== undefined && offer.countMax > 0)
    .toSorted((a, b) => perCpu(a) - perCpu(b));
  const why = { need, unable: [], flip: {}, short: "any" } as const;
  if (!best) return { type: "short", why: [need, "nothing may be bought now"], short: "any" };
  const slots = [1];
  const type = { ...typeOfCost(best, policy), slots } as MachineType;
  const count = Math.min(policy.machinesMin - owned, best.countMax);
  return limited(shortage, [{ offer: best, type }], [count], why);
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
