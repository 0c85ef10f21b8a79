import { limits } from "#/base/limits.ts";
import type { Capacity, Needs } from "#/model/needs.ts";
import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import { briefDuration, briefPercent } from "#/model/units.ts";
import { slotsOf } from "../slots.ts";
import { hourOf, paidMs } from "./bill.ts";
import type { Short } from "./grow.ts";

/** A machine of a project's fleet that has joined. */
export interface OwnMachine extends Carrier {
  readonly order: OrderRecord;
  /** Runs nothing for so long. */
  readonly idleMs: number;
  /** What runs there now, and for how long still, as far as is known. */
  readonly running: readonly { needs: Needs; driver: string; leftMs: number }[];
  /** Takes nothing more, and is given back when it is empty. */
  readonly isDraining: boolean;
}

/** A machine that tasks of the project run on. */
export interface Carrier {
  readonly name: string;
  readonly site: string;
  readonly capacity: Capacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly drivers: readonly string[];
  /** The part of it that was held of late, on average; undefined while it was not watched for long enough. */
  readonly load: number | undefined;
}

/** What is known of a project's shared machines at one moment, as far as it matters for having fewer. */
export interface Surplus {
  /** Undefined where the project wants no fleet any more. */
  readonly policy: FleetPolicy | undefined;
  readonly now: number;
  readonly own: readonly OwnMachine[];
  /** Of the fleet and on their way. */
  readonly coming: number;
  /** Machines of others that the project may use. */
  readonly others: readonly Carrier[];
  /** What waits and could begin if it had a machine. */
  readonly short: Short;
  /** Whether something is expected soon for which machines are there ahead. */
  readonly isAwaiting: boolean;
  /** Orders of the fleet that are open, or ended lately. */
  readonly orders: readonly OrderRecord[];
  /** Since when the fleet is as it is now. */
  readonly steadyMs: number;
}

/** One machine less: given back now, or taken out of use until what it runs has ended; or put into use again. */
export interface Change {
  readonly type: "release" | "drain" | "keep";
  readonly order: string;
  readonly machine: string;
  readonly why: string[];
  readonly flip?: string;
  /** It ends what was begun before. */
  readonly isBegun?: true;
}

/**
 * Which machines of a fleet to do without: a pure function. A machine that has run nothing for `idleMs` is
 * given back; one that the others can carry is taken out of use first, so that nothing it has done is lost.
 * What is paid for already is kept until shortly before its end. Each time that machines were given
 * back and bought again within an hour, they are kept for twice as long: a constant load comes to rest.
 */
export function shrink(surplus: Surplus): Change[] {
  const { policy, own } = surplus;
  const drained = own.filter(({ isDraining }) => isDraining);
  const empty = drained.filter(({ running }) => running.length === 0).map(finished);
  if (!policy) return [...empty, ...own.filter(({ isDraining }) => !isDraining).map(unwanted)];
  const tooMany = beyondBounds(surplus, policy);
  if (tooMany.length > 0) return [...empty, ...tooMany];
  if (surplus.short.length > 0) return whileShort(surplus, policy, surplus.short);
  if (surplus.isAwaiting) return empty;
  const holdMs = holdOf(surplus, policy);
  const idle = idleOnes(surplus, policy, holdMs);
  if (idle.length > 0) return [...empty, ...idle];
  return [...empty, ...consolidated(surplus, policy, holdMs)];
}

/** For how long a machine has to be idle: longer where some were bought soon after others were given back. */
export function holdOf({ orders }: Pick<Surplus, "orders">, { idleMs }: FleetPolicy): number {
  return idleMs * 2 ** Math.min(limits.fleetHoldDoublingsMax, regrets(orders));
}

/** How often machines were given back, or about to be, and then wanted again. */
export function regrets(orders: readonly OrderRecord[]): number {
  const events = orders.flatMap(({ spec, status }) => [
    { at: spec.orderedAt, isBought: true },
    ...(status.spared === undefined || status.endedAt === undefined
      ? []
      : [{ at: status.endedAt, isBought: false }]),
  ]);
  events.sort((a, b) => a.at - b.at);
  let count = orders.reduce((sum, { status }) => sum + (status.takenBack ?? 0), 0);
  let wasSpared = false;
  for (const { isBought } of events) {
    if (isBought && wasSpared) count++;
    wasSpared = !isBought;
  }
  return count;
}

function finished({ order, name }: OwnMachine): Change {
  const why = [`it was taken out of use, and what ran on it has ended`];
  return { type: "release", order: order.name, machine: name, why, isBegun: true };
}

function unwanted({ order, name }: OwnMachine): Change {
  const why = ["the project's policy has no fleet any more"];
  return { type: "drain", order: order.name, machine: name, why };
}

/** More than the policy allows since it was changed: they finish what they run. */
function beyondBounds(surplus: Surplus, policy: FleetPolicy): Change[] {
  const { own, coming, orders, now } = surplus;
  const { machinesMax, budgetMicrosPerHour = Infinity } = policy;
  const open = orders.filter((order) => !hasOrderEnded(order));
  const found: Change[] = [];
  const active = own.filter(({ isDraining }) => !isDraining).toSorted(byWorth);
  let count = active.length + coming;
  const draining = new Set(
    own.flatMap(({ order, isDraining }) => (isDraining ? [order.name] : [])),
  );
  for (const machine of active) {
    const micros =
      hourOf(
        open.filter(({ name }) => !draining.has(name)),
        now,
      ) ?? 0;
    const isOver = micros > budgetMicrosPerHour;
    if (count <= machinesMax && !isOver) break;
    const why =
      count > machinesMax
        ? `there are ${count} machines, and machinesMax is ${machinesMax}`
        : "an hour of all machines costs more than budgetPerHour";
    found.push({ type: "drain", order: machine.order.name, machine: machine.name, why: [why] });
    draining.add(machine.order.name);
    count--;
  }
  return found;
}

/** Those that do the least for their price first. */
function byWorth(a: OwnMachine, b: OwnMachine): number {
  const price = ({ order }: OwnMachine) => order.spec.offer.microsPerHour ?? Infinity;
  return workOf(a) - workOf(b) || price(b) - price(a);
}

/** What waits keeps the machines that could run it, and those alone. */
function whileShort(surplus: Surplus, policy: FleetPolicy, short: Short): Change[] {
  const isWanted = (machine: OwnMachine) =>
    short === "any" || short.some((kind) => slotsOf(kind, machine) > 0);
  const drained = surplus.own.filter(({ isDraining }) => isDraining);
  const kept = takenBack(surplus, policy, drained.filter(isWanted));
  const names = new Set(kept.map(({ machine }) => machine));
  const empty = drained.filter(({ name, running }) => !names.has(name) && running.length === 0);
  const holdMs = holdOf(surplus, policy);
  const idle = idleOnes(surplus, policy, holdMs, (machine) => !isWanted(machine));
  return [...kept, ...empty.map(finished), ...idle];
}

/** What is there needs no boot: before anything is bought, machines that were about to go stay. */
function takenBack(
  { own, coming, orders, now }: Surplus,
  policy: FleetPolicy,
  wanted: readonly OwnMachine[],
): Change[] {
  const drained = own.filter(({ isDraining }) => isDraining);
  const { machinesMax, budgetMicrosPerHour = Infinity } = policy;
  const room = machinesMax - coming - own.filter(({ isDraining }) => !isDraining).length;
  const isWithin = (kept: readonly OwnMachine[]) => {
    const gone = new Set(drained.flatMap((one) => (kept.includes(one) ? [] : [one.order.name])));
    const micros = hourOf(
      orders.filter(({ name }) => !gone.has(name)),
      now,
    );
    return budgetMicrosPerHour === Infinity || (micros ?? Infinity) <= budgetMicrosPerHour;
  };
  let kept = wanted.slice(0, Math.max(0, room));
  while (kept.length > 0 && !isWithin(kept)) kept = kept.slice(1);
  return kept.map(({ order, name }) => ({
    type: "keep",
    order: order.name,
    machine: name,
    why: ["tasks wait that would begin on it at once"],
  }));
}

function idleOnes(
  surplus: Surplus,
  policy: FleetPolicy,
  holdMs: number,
  isAsked: (machine: OwnMachine) => boolean = () => true,
): Change[] {
  const { own, coming, now } = surplus;
  const active = own.filter(({ isDraining }) => !isDraining);
  const spare = Math.max(0, active.length + coming - policy.machinesMin);
  return active
    .filter(isAsked)
    .filter(({ order, idleMs }) => idleMs >= holdMs && isPaidUp(order, now, 0))
    .toSorted(byWorth)
    .slice(0, spare)
    .map(({ order, name, idleMs }) => ({
      type: "release",
      order: order.name,
      machine: name,
      why: [`it has run nothing for ${briefDuration(idleMs)}`, ...paidWhy(order)],
      flip: `with an idleFor above ${briefDuration((idleMs * policy.idleMs) / holdMs)} it would have stayed`,
    }));
}

/** Machines that the others can carry: as many as leave those with room to spare. */
function consolidated(surplus: Surplus, policy: FleetPolicy, holdMs: number): Change[] {
  const { own, coming, others, now, steadyMs } = surplus;
  if (steadyMs < holdMs || coming > 0 || own.some(({ isDraining }) => isDraining)) return [];
  if (own.some(({ load }) => load === undefined)) return [];
  const found: Change[] = [];
  let rest: Carrier[] = [...own, ...others.filter(({ load }) => load !== undefined)];
  const work = rest.reduce((sum, machine) => sum + workOf(machine), 0);
  for (const machine of own.toSorted(byWorth)) {
    if (own.length - found.length <= policy.machinesMin) break;
    const leftMs = Math.max(0, ...machine.running.map((task) => task.leftMs));
    if (!isPaidUp(machine.order, now, leftMs)) continue;
    const without = rest.filter(({ name }) => name !== machine.name);
    const able = without.filter((other) => machine.running.every((task) => fits(task, other)));
    const room =
      able.reduce((sum, { capacity }) => sum + capacity.milliCpus, 0) * limits.fleetCarriedShareMax;
    // What cannot take over its tasks carries its own work, and no more.
    const unable = without.filter((other) => !able.includes(other));
    const carried = work - unable.reduce((sum, other) => sum + workOf(other), 0);
    if (carried > room) continue;
    rest = without;
    found.push({
      type: "drain",
      order: machine.order.name,
      machine: machine.name,
      why: [
        `the ${rest.length} other machines can carry what it does: they would be held to ${briefPercent(carried / (room / limits.fleetCarriedShareMax))}, by what ran in the last ${briefDuration(policy.idleMs)}`,
        machine.running.length === 0
          ? "it runs nothing now"
          : `it ends what it runs first: ${machine.running.length} tasks, for ${briefDuration(leftMs)}, so that no work is lost`,
        ...paidWhy(machine.order),
      ],
      flip: `with machinesMin: ${own.length} it would have stayed`,
    });
  }
  return found;
}

function fits({ needs, driver }: { needs: Needs; driver: string }, machine: Carrier): boolean {
  return slotsOf({ needs, driver }, machine) > 0;
}

/** In thousandths of a CPU. */
function workOf({ load = 1, capacity }: Carrier): number {
  return load * capacity.milliCpus;
}

/** Whether the time that is paid for is over by the time that it can be given back. */
function isPaidUp(order: OrderRecord, now: number, leftMs: number): boolean {
  return paidMs(order, now) <= Math.max(limits.fleetReleaseMs, leftMs);
}

function paidWhy({ spec }: OrderRecord): string[] {
  const { priceGranularityMs } = spec.offer;
  if (priceGranularityMs <= limits.fleetReleaseMs) return [];
  return [
    `it is billed by ${briefDuration(priceGranularityMs)}, and what is begun of that ends now`,
  ];
}
