import type { Placement } from "#/model/placement.ts";
import type { MachineState } from "./state.ts";

/** Where a machine stood among those that asked for work, when it was given some. */
export interface Choice {
  readonly placement: Placement;
  /** Counted from 1. */
  readonly place: number;
  readonly of: number;
  /** Of what its tasks leave, the part of the resource of which it has least left: 0 to 1. */
  readonly freeShare: number;
  /** For a member of a gang: how many began with it, and on how many machines. */
  readonly together?: { readonly tasks: number; readonly machines: number };
}

/** The part of a machine that its tasks leave: of CPUs or of memory, whichever is less. */
export function freeShare(machine: MachineState): number {
  const { capacity, heldMilliCpus, heldMemoryBytes } = machine;
  const cpus = 1 - heldMilliCpus / Math.max(capacity.milliCpus, 1);
  return Math.max(0, Math.min(cpus, 1 - heldMemoryBytes / Math.max(capacity.memoryBytes, 1)));
}

/** What decides who is served first: the highest is; machines with the same stay in the order in which they asked. */
const ranks: Record<Placement, (machine: MachineState) => number> = {
  asked: () => 0,
  spread: (machine) => freeShare(machine),
  pack: (machine) => -freeShare(machine),
  cheap: (machine) => -microsPerCpu(machine),
};

/**
 * Machines that asked, in the order in which they are served. Of those as full, packing takes what draws less for a
 * CPU; of those as cheap, the fullest comes first.
 */
export function inOrder(machines: MachineState[], placement: Placement): MachineState[] {
  if (placement === "asked" || machines.length < 2) return machines;
  const rank = new Map(machines.map((machine) => [machine, ranks[placement](machine)]));
  const byRank = (a: MachineState, b: MachineState) => difference(rank.get(b)!, rank.get(a)!);
  if (placement === "spread") return machines.sort(byRank);
  const second = placement === "pack" ? wattsPerCpu : freeShare;
  return machines.sort((a, b) => byRank(a, b) || difference(second(a), second(b)));
}

/** Of two that nobody knows it is none. */
function difference(one: number, other: number): number {
  return one === other ? 0 : one - other;
}

/** Of an hour; what nobody knows comes last. */
function microsPerCpu({ record, capacity }: MachineState): number {
  const { microsPerHour = Infinity } = record.status.rates;
  return (microsPerHour * 1000) / Math.max(1, capacity.milliCpus);
}

/** At full load; what nobody knows comes last. */
function wattsPerCpu({ record, capacity }: MachineState): number {
  const { peakWatts, pue } = record.status.rates;
  return peakWatts > 0 ? (peakWatts * pue * 1000) / Math.max(1, capacity.milliCpus) : Infinity;
}

/**
 * How many tasks a machine is given at once at most, when `waiting` wait in all and `left` machines
 * that asked are still to be served, this one among them.
 */
export function partOf(placement: Placement, waiting: number, left: number): number {
  if (placement !== "spread" || left === 1) return Infinity;
  return Math.max(1, Math.ceil(waiting / left));
}
