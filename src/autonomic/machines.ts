import { limits } from "#/base/limits.ts";
import { hasJobEnded, isPlanned, type JobRecord } from "#/model/job.ts";
import { siteOf, type MachineRecord } from "#/model/machine.ts";
import { hasOrderEnded, isComing, isFleetOrder, type OrderRecord } from "#/model/order.ts";
import type { Space } from "#/space/space.ts";
import { paidMs } from "./fleet/bill.ts";
import type { Knowledge } from "./knowledge/follow.ts";
import { bootMsUnknown, type PresentMachine } from "./machine-types.ts";

/** What is known of machines at this moment. */
export interface Field {
  machines(): { machine: string; connected: boolean; running: number }[];
}

/** Machines, orders and jobs as they are at one moment, read once for as many jobs as are looked at then. */
export class Inventory implements Field {
  #machines: ReturnType<Field["machines"]>;
  #orders: ReadonlyMap<string | undefined, OrderRecord[]>;
  #connected: ReadonlySet<string>;
  #open = new Set<string>();

  constructor(space: Pick<Space, "all">, field: Field) {
    this.#machines = field.machines();
    const connected = this.#machines.filter((view) => view.connected);
    this.#connected = new Set(connected.map(({ machine }) => machine));
    const open = [...space.all("order")].filter((order) => !hasOrderEnded(order));
    this.#orders = Map.groupBy(open, ({ spec }) => spec.job);
    for (const job of space.all("job")) if (!hasJobEnded(job)) this.#open.add(job.name);
  }

  static of(space: Pick<Space, "all">, field: Field): Inventory {
    return field instanceof Inventory ? field : new Inventory(space, field);
  }

  machines(): ReturnType<Field["machines"]> {
    return this.#machines;
  }

  isConnected(machine: string): boolean {
    return this.#connected.has(machine);
  }

  /** Those of a job that are not at their end. */
  ordersOf(job: string): readonly OrderRecord[] {
    return this.#orders.get(job) ?? [];
  }

  /** Those of a project's fleet that are not at their end. */
  fleetOrdersOf(project: string): readonly OrderRecord[] {
    return (this.#orders.get(undefined) ?? []).filter(
      (order) => order.project === project && isFleetOrder(order),
    );
  }

  /** Other jobs, which take their part of machines that are there for all. */
  rivalsOf(job: string): number {
    return this.#open.size - (this.#open.has(job) ? 1 : 0);
  }
}

/** Drivers of a machine that has not joined. */
const usualDrivers = ["process", "runner"];

/** What was learned of machines. */
export type MachineKnowledge = Pick<Knowledge, "offers" | "slownessOf">;

/**
 * Every machine that a job may use: those that are there, and those that were ordered for it and boot; for a job
 * without a plan of its own also those of its project's fleet. Who asks for many jobs at once hands in an `Inventory`.
 */
export function machinesFor(
  space: Pick<Space, "all" | "get">,
  field: Field,
  knowledge: MachineKnowledge,
  job: Pick<JobRecord, "name" | "project"> & Partial<Pick<JobRecord, "spec">>,
  now: number,
): PresentMachine[] {
  const inventory = Inventory.of(space, field);
  const share = 1 / (1 + inventory.rivalsOf(job.name));
  const found: PresentMachine[] = [];
  const { quota } = space.get("project", job.project)?.spec ?? {};
  for (const { machine: name, connected } of inventory.machines()) {
    const machine = space.get("machine", name);
    if (!machine || !connected || machine.spec.cordoned) continue;
    const order =
      machine.spec.order === undefined ? undefined : space.get("order", machine.spec.order);
    const { reservedFor, reservedForProject: payer = job.project } = machine.spec;
    if (payer !== job.project || (reservedFor !== undefined && reservedFor !== job.name)) continue;
    found.push({
      ...(quota && !isPaidFor(machine) && { quota }),
      ...ofMachine(machine, order, order && reservedFor === job.name ? 1 : share, now),
      interruptionsPerHour:
        (order && knowledge.offers([order.spec.offer])[0]!.interruptionsPerHour) ?? 0,
      slowness: knowledge.slownessOf(machine),
    });
  }
  for (const order of inventory.ordersOf(job.name))
    if (isAwaited(order, inventory, now)) found.push(ofBooting(order, knowledge, now));
  if (job.spec && !isPlanned({ spec: job.spec }))
    for (const order of inventory.fleetOrdersOf(job.project))
      if (isAwaited(order, inventory, now))
        found.push({ ...ofBooting(order, knowledge, now), share });
  return found;
}

function isPaidFor({ spec: { reservedFor, reservedForProject } }: MachineRecord): boolean {
  return reservedFor !== undefined || reservedForProject !== undefined;
}

/** A machine that has joined is there once it has dialled, which takes a moment. */
function isAwaited(order: OrderRecord, inventory: Inventory, now: number): boolean {
  const { phase, machine, joinedAt = 0 } = order.status;
  if (isComing(order)) return true;
  const isNew = phase === "joined" && now - joinedAt < limits.dialMsMax;
  return isNew && machine !== undefined && !inventory.isConnected(machine);
}

function ofMachine(
  { name, spec, status }: MachineRecord,
  order: OrderRecord | undefined,
  share: number,
  now: number,
): Omit<PresentMachine, "slowness"> {
  const isBilled = order?.spec.job !== undefined;
  return {
    name,
    site: siteOf(spec),
    offer: order ? order.spec.offer.name : name,
    capacity: status.capacity,
    labels: spec.labels,
    drivers: status.drivers,
    rates: isBilled
      ? { ...status.rates, microsPerHour: order.spec.offer.microsPerHour }
      : status.rates,
    gramsPerKwh: order?.spec.offer.gramsPerKwh,
    interruptionsPerHour: order?.spec.offer.interruptionsPerHour ?? 0,
    share,
    bootMs: 0,
    ...(isBilled && { billing: billingOf(order, now) }),
  };
}

function ofBooting(order: OrderRecord, knowledge: MachineKnowledge, now: number): PresentMachine {
  const { orderedAt, site } = order.spec;
  const offer = knowledge.offers([order.spec.offer])[0]!;
  const {
    capacity,
    labels,
    microsPerHour,
    idleWatts = 0,
    peakWatts = 0,
    pue = 1,
    gramsPerKwh,
  } = offer;
  const bootedAt = orderedAt + (offer.bootMs?.p90 ?? bootMsUnknown);
  return {
    name: order.name,
    site,
    offer: offer.name,
    capacity,
    labels,
    drivers: usualDrivers,
    rates: { microsPerHour, idleWatts, peakWatts, pue },
    gramsPerKwh,
    interruptionsPerHour: offer.interruptionsPerHour ?? 0,
    slowness: offer.slowness ?? 1,
    share: 1,
    // One that is late is expected at any moment, for a while: then it is given up.
    bootMs: Math.max(limits.bootMsMin, bootedAt - now),
    billing: billingOf(order, now),
  };
}

/** What is begun is paid until its end, whatever becomes of the machine. */
function billingOf(order: OrderRecord, now: number): NonNullable<PresentMachine["billing"]> {
  const granularityMs = Math.max(1, order.spec.offer.priceGranularityMs);
  return { granularityMs, minimumMs: 0, paidMs: paidMs(order, now) };
}

/** Orders that are not at their end, of a job. */
export function openOrders(space: Pick<Space, "all">, job: string): OrderRecord[] {
  return [...space.all("order")].filter((order) => order.spec.job === job && !hasOrderEnded(order));
}
