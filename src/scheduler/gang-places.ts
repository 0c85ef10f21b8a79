import { placesIn, type Capacity } from "#/model/needs.ts";
import type { Board } from "./board.ts";
import { isOpenOnTrial } from "./fit.ts";
import type { KeptForGang } from "./gang.ts";
import { keptFreeFor } from "./room.ts";
import type { MachineState, StepState } from "./state.ts";

/** Places on one machine. */
export interface Places {
  readonly machine: MachineState;
  readonly places: number;
}

/** Members of a gang that have room on a machine now, one on a machine on trial, beside what is kept for others: for gangs, when it was their turn before `sinceMs`. */
export function freePlaces(
  machine: MachineState,
  step: StepState,
  nowMs: number,
  sinceMs?: number,
): number {
  const places = placesIn(freeBesideKept(machine, step, nowMs, sinceMs), step.class);
  return isOnTrial(machine) ? (machine.leases.length > 0 ? 0 : Math.min(places, 1)) : places;
}

/** What of a machine is free now for members of a gang. */
export function freeBesideKept(
  machine: MachineState,
  step: StepState,
  nowMs: number,
  sinceMs = step.gang!.kept?.sinceMs ?? Infinity,
): Capacity {
  const { capacity, heldMilliCpus, heldMemoryBytes } = machine;
  const free = {
    milliCpus: capacity.milliCpus - heldMilliCpus,
    memoryBytes: capacity.memoryBytes - heldMemoryBytes,
  };
  const leave = ({ milliCpus, memoryBytes }: StepState["class"], places: number) => {
    free.milliCpus -= places * milliCpus;
    free.memoryBytes -= places * memoryBytes;
  };
  for (const [other, kept] of machine.keptForGangs) {
    if (other !== step && kept.sinceMs < sinceMs) leave(other.class, kept.machines.get(machine)!);
  }
  const kept = keptFreeFor(machine, nowMs);
  if (kept) leave(kept.class, 1);
  return free;
}

/** It takes one task at a time, of a gang too where there is not enough room without it: else those on trial would stay so where nothing but gangs waits. */
export const isOnTrial = ({ record }: MachineState) => record.spec.standing !== undefined;

/** What others have just left is for the gang that they made room for, from this moment on. */
export function claimPlaces(board: Board, step: StepState): void {
  const nowMs = board.clock.monotonicMs();
  const free = placesFor(board, step, nowMs);
  if (!step.isInLine || sumOf(free) < step.atOnce) return;
  const gang = step.gang!;
  gang.kept ??= keptFrom(nowMs, nowMs);
  gang.kept.completeSinceMs = nowMs;
  keepPlaces(step, choose(free, step.atOnce));
}

/** Machines with room for members of the gang, the one with most of it first; those on trial last, and only where the others have too little. */
export function placesFor(
  board: Board,
  step: StepState,
  nowMs: number,
  wanted = step.atOnce,
): Places[] {
  const found: Places[] = [];
  const onTrial: Places[] = [];
  for (const machine of board.machines.values()) {
    if (machine.isSilent || !isOpenOnTrial(machine, step, nowMs)) continue;
    const places = freePlaces(machine, step, nowMs);
    if (places > 0) (isOnTrial(machine) ? onTrial : found).push({ machine, places });
  }
  found.sort((a, b) => b.places - a.places);
  return sumOf(found) < wanted ? [...found, ...onTrial] : found;
}

/**
 * Gangs that have not begun. One that is still in line after it was tried stands for those behind it in its
 * lane, unless those need less, or have machines of their own.
 */
export function* gangsToTry({ queue, machines }: Board): Generator<StepState> {
  const reserved = new Set([...machines.values()].map(({ record }) => record.spec.reservedFor));
  for (const lane of queue.gangs()) {
    let tooMany = Infinity;
    for (const step of lane) {
      if (step.leases.size > 0) continue;
      if (step.atOnce >= tooMany && !reserved.has(step.job)) continue;
      yield step;
      if (step.isInLine && step.leases.size === 0) tooMany = Math.min(tooMany, step.atOnce);
    }
  }
}

export function keptFrom(sinceMs: number, promisedMs: number): KeptForGang {
  return { sinceMs, promisedMs, expectedMs: promisedMs, completeSinceMs: 0, machines: new Map() };
}

export function keepPlaces(step: StepState, chosen: readonly Places[]): void {
  const kept = step.gang!.kept!;
  for (const machine of kept.machines.keys()) machine.keptForGangs.delete(step);
  kept.machines.clear();
  for (const { machine, places } of chosen) {
    kept.machines.set(machine, places);
    machine.keptForGangs.set(step, kept);
  }
}

/** As many places as are wanted, from the front. */
export function choose(free: readonly Places[], wanted: number): Places[] {
  const chosen: Places[] = [];
  let left = wanted;
  for (const { machine, places } of free) {
    if (left <= 0) break;
    chosen.push({ machine, places: Math.min(places, left) });
    left -= places;
  }
  return chosen;
}

export const sumOf = (found: readonly Places[]) =>
  found.reduce((sum, { places }) => sum + places, 0);
