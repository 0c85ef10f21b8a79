import { CanopyError } from "#/base/errors.ts";
import { ratesOf } from "#/meter/prices.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Offer } from "#/model/site.ts";
import { underTried, type Tried } from "./tried.ts";
import { bootMsOf, machineOf, machineOfOffer } from "./offered.ts";
import type { Moment } from "./moment.ts";

/** What would be otherwise. */
export interface WhatIf {
  add: readonly AddedMachines[];
  /** Machines by name; what runs there begins again elsewhere. */
  remove: readonly string[];
  policy?: Tried;
}

export interface AddedMachines {
  count: number;
  /** A machine that they would be like, or the site of one. */
  like?: string;
  /** What a site would give. */
  offer?: Offer;
  /** What the site of that name would give, for when none of its machines is connected. */
  ofSite?: Offer;
  /** What they would have, when they are like none; at the price list's rates. */
  capacity?: Capacity;
  /** From now until they take tasks; as the offer says when absent. */
  bootMs?: number;
}

const addedMax = 10_000;

/** A moment as it would be. Throws "not-found" for a machine that is not connected, "invalid" for too many. */
export function changed(moment: Moment, { add, remove, policy }: WhatIf): Moment {
  for (const name of remove) mustBeThere(moment, name);
  const removed = new Set(remove);
  const count = add.reduce((sum, one) => sum + one.count, 0);
  if (count > addedMax) {
    throw new CanopyError(
      "invalid",
      `Cannot add machines as at most ${addedMax} may be added: it would be ${count}`,
    );
  }
  const coming = add.flatMap((one) => {
    const { machine, bootMs } = modelOf(moment, one);
    const at = moment.now + (one.bootMs ?? bootMs);
    return Array.from({ length: one.count }, () => ({ machine, at }));
  });
  const added = coming.map(({ machine, at }, number) => ({
    machine: { ...machine, name: `added-${number + 1}`, serial: 0, revision: 0 },
    at,
  }));
  const after: Moment = {
    ...moment,
    machines: moment.machines.filter(({ name }) => !removed.has(name)),
    held: moment.held.filter(({ machine }) => !removed.has(machine)),
    coming: [...moment.coming, ...added],
  };
  return policy === undefined ? after : underTried(after, policy, []);
}

function mustBeThere({ machines }: Moment, name: string): void {
  if (machines.some((machine) => machine.name === name)) return;
  throw new CanopyError(
    "not-found",
    `Cannot remove machine '${name}' as it must be connected: there is none of that name`,
    { hint: "canopy machines" },
  );
}

interface Model {
  machine: MachineRecord;
  bootMs: number;
}

function modelOf({ machines }: Moment, { like, offer, ofSite, capacity }: AddedMachines): Model {
  if (offer) return offered(offer);
  if (capacity) {
    const more = { site: "what-if", labels: {}, rates: ratesOf(capacity) };
    return { machine: machineOf("", capacity, more), bootMs: 0 };
  }
  const found =
    machines.find(({ name }) => name === like) ?? machines.find(({ spec }) => spec.site === like);
  if (found) {
    const { order: _1, reservedFor: _2, reservedForProject: _3, ...spec } = found.spec;
    return { machine: { ...found, spec: { ...spec, cordoned: false } }, bootMs: 0 };
  }
  if (ofSite) return offered(ofSite);
  throw new CanopyError(
    "not-found",
    `Cannot add machines like '${like}' as that must be an offer, a connected machine or a site: it is none`,
    { hint: "Say what they have instead: canopy what-if --add 4x8cpu32gib" },
  );
}

const offered = (offer: Offer): Model => ({
  machine: machineOfOffer("", offer),
  bootMs: bootMsOf(offer),
});
