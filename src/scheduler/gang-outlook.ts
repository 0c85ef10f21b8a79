import { placesIn } from "#/model/needs.ts";
import type { Board } from "./board.ts";
import { isOpenOnTrial } from "./fit.ts";
import { quorumOf } from "./gang.ts";
import { isOnTrial, type Places } from "./gang-places.ts";
import type { Lease, MachineState, StepState } from "./state.ts";

/** Where a gang is expected to find its places first, and when; Infinity when nobody knows how long others will run. */
export interface Outlook {
  readonly expectedMs: number;
  readonly places: readonly Places[];
}

/** A task that has lasted longer than its kind does is expected to go on for so much of what it has lasted. */
const overdueShare = 0.25;

/**
 * What would be free for a gang if nothing more began: now, and each time that a task under way is
 * expected to end; the first moment at which all of it fits, and the places that are free by then.
 * Undefined when it would not fit with all of them gone. `freeOn` tells how many of its tasks fit on a
 * machine now.
 */
export function expectGang(
  board: Board,
  step: StepState,
  nowMs: number,
  freeOn: (machine: MachineState) => number,
): Outlook | undefined {
  const open = [...board.machines.values()].filter(
    (machine) => !machine.isSilent && isOpenOnTrial(machine, step, nowMs),
  );
  const trusted = open.filter((machine) => !isOnTrial(machine));
  const expect = (machines: readonly MachineState[]) =>
    expectOn(machines, board, step, nowMs, freeOn);
  return expect(trusted) ?? (open.length > trusted.length ? expect(open) : undefined);
}

function expectOn(
  machines: readonly MachineState[],
  board: Board,
  step: StepState,
  nowMs: number,
  freeOn: (machine: MachineState) => number,
): Outlook | undefined {
  const quorum = quorumOf(board.space, step);
  const free = new Map<MachineState, number>();
  const ends: { machine: MachineState; atMs: number; sinceMs: number; places: number }[] = [];
  let found = 0;
  for (const machine of machines) {
    const places = freeOn(machine);
    free.set(machine, places);
    found += places;
    ends.push(...endsOn(board, machine, step, nowMs, places));
  }
  ends.sort((a, b) => a.atMs - b.atMs || a.sinceMs - b.sinceMs);
  let expectedMs = nowMs;
  for (const { machine, atMs, places } of ends) {
    if (found >= quorum) break;
    free.set(machine, free.get(machine)! + places);
    found += places;
    expectedMs = atMs;
  }
  if (found < quorum) return undefined;
  const places: Places[] = [];
  for (const [machine, count] of [...free].sort(([, a], [, b]) => b - a)) {
    const left = quorum - places.reduce((sum, one) => sum + one.places, 0);
    if (left > 0 && count > 0) places.push({ machine, places: Math.min(count, left) });
  }
  return { expectedMs, places };
}

/** When tasks under way on a machine end, and how many more places there are from then on. */
function endsOn(
  board: Board,
  machine: MachineState,
  step: StepState,
  nowMs: number,
  placesNow: number,
): { machine: MachineState; atMs: number; sinceMs: number; places: number }[] {
  const { capacity } = machine;
  let milliCpus = capacity.milliCpus - machine.heldMilliCpus;
  let memoryBytes = capacity.memoryBytes - machine.heldMemoryBytes;
  // what is kept for others stays theirs
  const theirs = placesIn({ milliCpus, memoryBytes }, step.class) - placesNow;
  let before = placesNow;
  const placesMax = isOnTrial(machine) ? 1 : Infinity;
  return [...machine.leases]
    .filter(({ isShort }) => !isShort)
    .map((lease) => ({ lease, atMs: expectedEndMs(board, lease, nowMs) }))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ lease, atMs }) => {
      milliCpus += lease.step.class.milliCpus;
      memoryBytes += lease.step.class.memoryBytes;
      const after = Math.min(placesIn({ milliCpus, memoryBytes }, step.class) - theirs, placesMax);
      const places = after - before;
      before = after;
      return { machine, atMs, sinceMs: lease.sinceMs, places };
    })
    .filter(({ places }) => places > 0);
}

function expectedEndMs({ space }: Board, lease: Lease, nowMs: number): number {
  const { sinceMs, step } = lease;
  const timeoutMs = space.get("step", step.name)?.spec.template.timeoutMs ?? Infinity;
  if (step.runTimes.samples === 0) return sinceMs + timeoutMs;
  const overdueMs = nowMs + (nowMs - sinceMs) * overdueShare;
  return Math.min(Math.max(sinceMs + step.runTimes.meanMs, overdueMs), sinceMs + timeoutMs);
}
