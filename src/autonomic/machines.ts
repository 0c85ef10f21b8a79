import { limits } from "#/base/limits.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { siteOf, type MachineRecord } from "#/model/machine.ts";
import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { Space } from "#/space/space.ts";
import { paidMs } from "./fleet/bill.ts";
import type { Knowledge } from "./knowledge/follow.ts";
import { bootMsUnknown, type PresentMachine } from "./machine-types.ts";
import { withinQuota } from "./within-quota.ts";

/** What is known of machines at this moment. */
export interface Field {
  machines(): { machine: string; connected: boolean; running: number }[];
}

/** Drivers of a machine that has not joined. */
const usualDrivers = ["process", "runner"];

/** What was learned of machines. */
export type MachineKnowledge = Pick<Knowledge, "offers" | "slownessOf">;

/** Every machine that a job may use: those that are there, and those that were ordered for it and boot. */
export function machinesFor(
  space: Pick<Space, "all" | "get">,
  field: Field,
  knowledge: MachineKnowledge,
  job: Pick<JobRecord, "name" | "project">,
  now: number,
): PresentMachine[] {
  const share = 1 / (1 + rivals(space, job));
  const found: PresentMachine[] = [];
  const paidFor = new Set<string>();
  for (const { machine: name, connected } of field.machines()) {
    const machine = space.get("machine", name);
    if (!machine || !connected || machine.spec.cordoned) continue;
    const order =
      machine.spec.order === undefined ? undefined : space.get("order", machine.spec.order);
    const { reservedFor, reservedForProject: payer = job.project } = machine.spec;
    if (payer !== job.project || (reservedFor !== undefined && reservedFor !== job.name)) continue;
    if (isPaidFor(machine)) paidFor.add(name);
    found.push({
      ...ofMachine(machine, order, order && reservedFor === job.name ? 1 : share, now),
      interruptionsPerHour:
        (order && knowledge.offers([order.spec.offer])[0]!.interruptionsPerHour) ?? 0,
      slowness: knowledge.slownessOf(machine),
    });
  }
  const views = field.machines().filter((view) => view.connected);
  const connected = new Set(views.map(({ machine }) => machine));
  for (const order of space.all("order"))
    if (order.spec.job === job.name && isComing(order, connected, now))
      found.push(ofBooting(order, knowledge, now));
  const { quota } = space.get("project", job.project)?.spec ?? {};
  return withinQuota(found, quota, ({ name, bootMs }) => bootMs > 0 || paidFor.has(name));
}

function isPaidFor({ spec: { reservedFor, reservedForProject } }: MachineRecord): boolean {
  return reservedFor !== undefined || reservedForProject !== undefined;
}

/** A machine that has joined is there once it has dialled, which takes a moment. */
function isComing({ status }: OrderRecord, connected: ReadonlySet<string>, now: number): boolean {
  const { phase, machine, joinedAt = 0 } = status;
  if (phase === "ordered" || phase === "booting") return true;
  const isNew = phase === "joined" && now - joinedAt < limits.dialMsMax;
  return isNew && machine !== undefined && !connected.has(machine);
}

/** Other jobs that have goals or tasks of their own, and take their part of machines that are there for all. */
function rivals(space: Pick<Space, "all">, job: Pick<JobRecord, "name">): number {
  let count = 0;
  for (const other of space.all("job")) if (other.name !== job.name && !hasJobEnded(other)) count++;
  return count;
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
