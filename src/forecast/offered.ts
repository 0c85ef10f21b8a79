import { bootMsUnknown } from "#/autonomic/machine-types.ts";
import { ratesOf } from "#/meter/prices.ts";
import type { MachineRates, MachineRecord } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";

/** One that is late is expected at any moment. */
const lateMs = 1000;

/** From the order of an offer to its machine's first pull, likely. */
export function bootMsOf({ bootMs }: Offer): number {
  return bootMs?.median ?? bootMsUnknown;
}

/** A machine as an offer would give it. What the site does not say of its power is as the price list has it. */
export function machineOfOffer(name: string, offer: Offer): MachineRecord {
  const usual = ratesOf(offer.capacity);
  return machineOf(name, offer.capacity, {
    site: offer.site,
    labels: { ...offer.labels },
    gramsPerKwh: offer.gramsPerKwh,
    rates: {
      microsPerHour: offer.microsPerHour,
      idleWatts: offer.idleWatts ?? usual.idleWatts,
      peakWatts: offer.peakWatts ?? usual.peakWatts,
      pue: offer.pue ?? usual.pue,
    },
  });
}

/** The machine that an order will have given. */
export function machineForOrder({ name, project, spec }: OrderRecord): MachineRecord {
  const { job, offer } = spec;
  // What is reserved for a job is paid for as a whole by its order.
  const paid = job === undefined ? offer : { ...offer, microsPerHour: 0 };
  const machine = machineOfOffer(`${name}-machine`, paid);
  const payer =
    job !== undefined
      ? { reservedFor: job }
      : project === ""
        ? {}
        : { reservedForProject: project };
  return { ...machine, spec: { ...machine.spec, ...payer, order: name } };
}

/** The machine of an order that has not joined, and when it will have. */
export function comingOf(
  order: OrderRecord,
  now: number,
): { machine: MachineRecord; at: number; order: string } {
  const { name, spec } = order;
  return {
    machine: machineForOrder(order),
    at: Math.max(now + lateMs, spec.orderedAt + bootMsOf(spec.offer)),
    order: name,
  };
}

export function machineOf(
  name: string,
  capacity: Capacity,
  more: {
    site: string;
    labels: Record<string, string>;
    rates: MachineRates;
    gramsPerKwh?: number | undefined;
  },
): MachineRecord {
  return {
    kind: "machine",
    project: "",
    serial: 0,
    name,
    revision: 0,
    spec: {
      keyDigest: "",
      joinedAt: 0,
      site: more.site,
      labels: more.labels,
      ...(more.gramsPerKwh !== undefined && { gramsPerKwh: more.gramsPerKwh }),
      cordoned: false,
    },
    status: {
      hostname: name,
      os: "linux",
      arch: "x64",
      version: "",
      capacity,
      drivers: ["process", "runner"],
      rates: more.rates,
    },
  };
}
