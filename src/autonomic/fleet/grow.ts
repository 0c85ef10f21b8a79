import { limits } from "#/base/limits.ts";
import type { Objective } from "#/model/plan.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import { briefDuration, formatMicros } from "#/model/units.ts";
import { planMix } from "#/planning/mix/mix.ts";
import { billOf, type MachineType, type MixProblem } from "#/planning/mix/problem.ts";
import { isEnough } from "#/planning/mix/rounds.ts";
import { bootMsUnknown, slotsOf, type KnownOffer as Offer } from "../machine-types.ts";
import type { Purchase } from "../purchase.ts";
import { hourlyMax } from "./bill.ts";
import { startsWithin, type FleetMachine, type WaitingKind } from "./starts.ts";

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
  | { type: "buy"; parts: readonly Purchase[]; why: string[]; flip?: string }
  /** More would be needed, and nothing may be bought. */
  | { type: "short"; why: string[]; flip?: string };

/**
 * Whether a project's shared machines begin all that waits within `waitMsMax`, and else what to buy: a pure
 * function.
 *
 * Tasks have to begin in time, not to end: so the planner's question is put in starts. Within the window a
 * machine begins so many tasks of a kind (`startsWithin`); the mix is the cheapest one that begins all of
 * them. Where no machine boots within the window, the window begins when the fastest of them has booted.
 * Tasks that came first may have less time left than others: they are looked at for themselves.
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
  for (const wanted of [all, oldest]) {
    const bought = buyFor(shortage, wanted);
    if (bought.type !== "enough") return bought;
  }
  return { type: "enough" };
}

/** Tasks of a kind that are to begin within a window from now. */
interface Wanted {
  readonly kind: WaitingKind;
  readonly tasks: number;
  readonly windowMs: number;
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

function bootMsOf({ bootMs }: Offer): number {
  return bootMs?.p90 ?? bootMsUnknown;
}

function asMachine(offer: Offer): FleetMachine {
  const { name, site, capacity, labels, slowness = 1 } = offer;
  const bootMs = bootMsOf(offer);
  return { name, site, capacity, labels, drivers: undefined, bootMs, slowness, share: 1, busy: [] };
}

function buyFor(shortage: Shortage, wanted: readonly Wanted[]): Growth {
  const { machines, offers, policy, owned } = shortage;
  const there = presentTypes(machines, wanted);
  if (isBegun(wanted, there)) return { type: "enough" };
  const need = needOf(shortage, wanted, there);
  const flip = patienceOf(machines, wanted);
  const left = policy.machinesMax - owned;
  const usable = offers.filter((offer) => hourlyMax(offer) !== undefined && offer.countMax > 0);
  const typed = usable.flatMap((offer) => {
    const type = typeOf(offer, wanted, policy, left);
    return type ? [{ offer, type }] : [];
  });
  if (typed.length === 0) {
    const why = offers.length === 0 ? "nothing may be bought now" : "no offer can run them in time";
    return { type: "short", why: [need, why], ...flip };
  }
  if (left <= 0) return { type: "short", why: [need, allThere(policy)], ...flip };
  const types = typed.map(({ type }) => type);
  const problem = problemOf(wanted, [...there, ...types], shortage.objective);
  const best = cheapest(problem, there.length);
  // More machines than there may be: as few as possible.
  const counts = total(best) > left ? cheapest(equally(problem), there.length) : best;
  return limited(shortage, typed, counts, need, flip);
}

/** What is bought of what would be needed: within the number of machines, and within the budget of an hour. */
function limited(
  { policy, owned, hourMicros }: Shortage,
  typed: readonly { offer: Offer; type: MachineType }[],
  wished: readonly number[],
  need: string,
  flip: { flip?: string },
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
  if (total(counts) === 0) return { type: "short", why: [need, ...limits], ...flip };
  const parts = typed.flatMap(({ offer: { site, name } }, at) =>
    counts[at]! > 0 ? [{ site, offer: name, count: counts[at]! }] : [],
  );
  return { type: "buy", parts, why: [need, ...whyThese(typed, counts), ...limits], ...flip };
}

function whyThese(
  typed: readonly { offer: Offer; type: MachineType }[],
  counts: readonly number[],
): string[] {
  return typed.flatMap(({ offer, type }, at) => {
    if (counts[at]! === 0) return [];
    const price = formatMicros(offer.microsPerHour ?? 0);
    return [
      `one ${offer.name} of ${offer.site} begins ${Math.max(...type.slots)} of them in time for ${price} an hour, the least for a task among what may be bought`,
    ];
  });
}

/** The machines that are to be there whatever waits: the cheapest for a CPU. */
function fill(shortage: Shortage): Growth {
  const { policy, owned, offers } = shortage;
  const need = `the policy wants ${policy.machinesMin} machines at least, and there are ${owned}`;
  const perCpu = (offer: Offer) => hourlyMax(offer)! / offer.capacity.milliCpus;
  const [best] = offers
    .filter((offer) => hourlyMax(offer) !== undefined && offer.countMax > 0)
    .toSorted((a, b) => perCpu(a) - perCpu(b));
  if (!best) return { type: "short", why: [need, "nothing may be bought now"] };
  const slots = [1];
  const type = { ...typeOfCost(best, policy), slots } as MachineType;
  const count = Math.min(policy.machinesMin - owned, best.countMax);
  return limited(shortage, [{ offer: best, type }], [count], need, {});
}

/** Machines that begin as many of each kind are one type. */
function presentTypes(machines: readonly FleetMachine[], wanted: readonly Wanted[]): MachineType[] {
  const groups = new Map<string, { slots: number[]; count: number }>();
  for (const machine of machines) {
    const slots = wanted.map(({ kind, windowMs }) => startsWithin(kind, machine, windowMs));
    if (slots.every((starts) => starts === 0)) continue;
    const key = slots.join();
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { slots, count: 1 });
  }
  return [...groups.values()].map(({ slots, count }) => ({
    ...free,
    name: "here",
    slots,
    countMax: count,
    isPresent: true,
  }));
}

function typeOf(
  offer: Offer,
  wanted: readonly Wanted[],
  policy: FleetPolicy,
  left: number,
): MachineType | undefined {
  const machine = asMachine(offer);
  const slots = wanted.map(({ kind, windowMs }) => startsWithin(kind, machine, windowMs));
  if (slots.every((starts) => starts === 0)) return undefined;
  const countMax = Math.min(offer.countMax, Math.max(1, left));
  return { ...typeOfCost(offer, policy), slots, countMax };
}

/** Costs, from when it is asked for until it is given back again, whatever the planner's window. */
function typeOfCost(offer: Offer, { waitMsMax, idleMs }: FleetPolicy): Omit<MachineType, "slots"> {
  const { site, name, priceGranularityMs, billedMsMin, interruptionsPerHour = 0 } = offer;
  const { microsPerHour = 0, peakWatts, pue = 1, gramsPerKwh, countMax } = offer;
  const heldMs = bootMsOf(offer) + waitMsMax + idleMs;
  const price = {
    microsPerHour,
    granularityMs: Math.max(1, priceGranularityMs),
    minimumMs: billedMsMin,
    paidMs: 0,
  };
  // One that is taken away is bought again. The one more makes few machines better than many that are free.
  const again = Math.exp((interruptionsPerHour * heldMs) / hourMs);
  return {
    ...free,
    name: `${site} ${name}`,
    countMax,
    isPresent: false,
    price: constant(billOf(price, heldMs) * again + 1),
    power: peakWatts === undefined ? undefined : { watts: peakWatts * pue, gramsPerKwh },
  };
}

const hourMs = 3_600_000;
/** Longer than any window in which the planner counts. */
const longMs = 1e9;

/** A price that is the same however long the machine is held. */
function constant(micros: number): MachineType["price"] {
  return {
    microsPerHour: (micros * hourMs) / longMs,
    granularityMs: longMs,
    minimumMs: 0,
    paidMs: 0,
  };
}

const free = { bootMs: 0, speed: 1, price: constant(0), power: undefined };

/** The planner's question in starts: one window is its unit of time, and what a machine begins within it are its slots. */
function problemOf(
  wanted: readonly Wanted[],
  types: readonly MachineType[],
  objective: Objective,
): MixProblem {
  const unit = { meanMs: 1, meanHighMs: 1, longMs: 1 };
  return {
    work: wanted.map(({ kind, tasks }) => ({ name: kind.kind, tasks, runTime: unit })),
    chainMs: 0,
    types,
    goal: { objective: objective === "time" ? "cost" : objective, deadlineMs: 1 },
  };
}

function isBegun(wanted: readonly Wanted[], there: readonly MachineType[]): boolean {
  const problem = problemOf(wanted, there, "cost");
  return isEnough(problem, counted(there), 1, "high");
}

function counted(types: readonly MachineType[]): number[] {
  return types.map(({ countMax }) => countMax);
}

/** Machines of each offer, which come after `present` types: those that begin all in time, or as much as can be. */
function cheapest(problem: MixProblem, present: number): readonly number[] {
  const found = planMix(problem);
  if ("counts" in found) return found.counts.slice(present);
  const { deadlineMs: _, ...open } = problem.goal;
  const fastest = planMix({ ...problem, goal: { ...open, objective: "time" } });
  return "counts" in fastest
    ? fastest.counts.slice(present)
    : problem.types.slice(present).map(() => 0);
}

function equally(problem: MixProblem): MixProblem {
  const types = problem.types.map((type) => ({ ...type, price: constant(type.isPresent ? 0 : 1) }));
  return { ...problem, types };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function allThere({ machinesMax }: FleetPolicy): string {
  return `all machines that are allowed are there: machinesMax is ${machinesMax}`;
}

function needOf(
  { policy }: Shortage,
  wanted: readonly Wanted[],
  there: readonly MachineType[],
): string {
  const tasks = wanted.reduce((sum, one) => sum + one.tasks, 0);
  const begun = wanted.map((_, at) =>
    there.reduce((sum, { slots, countMax }) => sum + slots[at]! * countMax, 0),
  );
  const most = wanted.reduce((sum, one, at) => sum + Math.min(one.tasks, begun[at]!), 0);
  const windowMs = Math.max(...wanted.map((one) => one.windowMs));
  const late =
    windowMs > policy.waitMsMax
      ? `, which is when the fastest machine that may be bought has booted and ${brief(policy.waitMsMax)} of waitMax have passed`
      : "";
  const ahead = wanted.flatMap(({ kind: { expected } }) => expected ?? []);
  const come = ahead.length === 0 ? "wait" : "wait or are expected";
  const why = ahead.map((one) => `: ${one.why}`).join("");
  return `${tasks} tasks ${come}, and the machines at hand can begin ${most} of them within ${brief(windowMs)}${late}${why}`;
}

/** How long it takes until all have begun on what is there. */
function patienceOf(
  machines: readonly FleetMachine[],
  wanted: readonly Wanted[],
): { flip?: string } {
  const isEnoughIn = (windowMs: number) => {
    const longer = wanted.map((one) => ({ ...one, windowMs }));
    return isBegun(longer, presentTypes(machines, longer));
  };
  let highMs = 1000;
  while (!isEnoughIn(highMs)) {
    highMs *= 2;
    if (highMs > longMs) return {};
  }
  let lowMs = highMs / 2;
  while (highMs - lowMs > highMs / 64) {
    const middleMs = (lowMs + highMs) / 2;
    if (isEnoughIn(middleMs)) highMs = middleMs;
    else lowMs = middleMs;
  }
  return { flip: `with a waitMax of ${brief(highMs)} nothing would have been needed` };
}

function brief(ms: number): string {
  return briefDuration(Math.max(0, Math.round(ms)));
}
