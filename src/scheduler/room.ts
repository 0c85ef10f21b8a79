import { limits } from "#/base/limits.ts";
import { placesIn, type Capacity } from "#/model/needs.ts";
import { isAlike, kindOfRoom } from "./quota.ts";
import type { Lease, MachineState, StepState } from "./state.ts";
import type { TaskClass } from "./task-class.ts";

/** What is to be over by some time is taken to last so many times as long as its kind did in the mean. */
const overMargin = 2;

/**
 * How many more tasks of a step a machine may be given now.
 *
 * Tasks that last hold their needs, and a machine is given no more of them than it can run at once.
 * Short ones would leave it idle for as long as a message takes, so they are handed out ahead: as
 * many as make `limits.prefetchMs` of work for each CPU that the lasting ones leave, slowly at first
 * while little is known of them. Tasks that last may be put behind them, as that wait is as short.
 */
export function roomFor(machine: MachineState, step: StepState, nowMs: number): number {
  const slots = slotsFor(machine, step.class);
  if (slots < 1) return 0;
  const { runTimes } = step;
  if (!step.isShort) return Math.min(slots, slotsBesideOthers(machine, step, nowMs));
  const byWork = (limits.prefetchMs * slots - machine.shortWorkMs) / runTimes.meanMs;
  const ahead = Math.min(Math.floor(byWork), 2 * runTimes.samples - runTimes.underWay);
  const tasks = Math.max(ahead, slots - machine.shortTasks);
  return Math.max(0, Math.min(tasks, limits.pullTasksMax - machine.shortTasks));
}

/** Whether a task of the step could begin at once, with nothing before it. */
export function hasFreeSlot(machine: MachineState, step: StepState, nowMs: number): boolean {
  if (machine.shortTasks > 0) return false;
  return Math.min(slotsFor(machine, step.class), slotsBesideOthers(machine, step, nowMs)) >= 1;
}

/** How many tasks of a class fit beside those that hold their needs. */
function slotsFor(machine: MachineState, taskClass: TaskClass): number {
  const { capacity, heldMilliCpus, heldMemoryBytes } = machine;
  const milliCpus = capacity.milliCpus - heldMilliCpus;
  return placesIn({ milliCpus, memoryBytes: capacity.memoryBytes - heldMemoryBytes }, taskClass);
}

/** What may be taken of a machine of which something is kept for others. */
function slotsBesideOthers(machine: MachineState, step: StepState, nowMs: number): number {
  if (!machine.keptFree && machine.keptForGangs.size === 0) return Infinity;
  return placesIn(freeBesideOthers(machine, step, nowMs), step.class);
}

/** What of a machine is free for a step, with what is kept there for others left to them. */
export function freeBesideOthers(
  machine: MachineState,
  step: StepState,
  nowMs: number,
): { milliCpus: number; memoryBytes: number } {
  const { capacity, heldMilliCpus, heldMemoryBytes } = machine;
  const kept = keptFreeFor(machine, nowMs);
  // while it is kept free for another step, only what takes nothing that this one lacks
  const one = kept && !isAlike(kept, step) ? kept.class : nothing;
  const gangs = keptForOtherGangs(machine, step, nowMs);
  return {
    milliCpus: capacity.milliCpus - heldMilliCpus - Math.max(one.milliCpus, gangs.milliCpus),
    memoryBytes:
      capacity.memoryBytes - heldMemoryBytes - Math.max(one.memoryBytes, gangs.memoryBytes),
  };
}

const nothing = { milliCpus: 0, memoryBytes: 0 };

/** A gang that has all that it needs there and elsewhere, and begins when the last of its machines asks for work. */
export function awaitedBy({ keptForGangs }: MachineState): StepState | undefined {
  if (keptForGangs.size === 0) return undefined;
  for (const [gang, { completeSinceMs }] of keptForGangs) if (completeSinceMs > 0) return gang;
  return undefined;
}

/** Whether a task of the step has room but for places kept for gangs, which it would not leave in time: one behind it may. */
export function outlastsGangs(machine: MachineState, step: StepState, nowMs: number): boolean {
  if (machine.keptForGangs.size === 0 || step.isShort) return false;
  return slotsFor(machine, step.class) >= 1 && slotsBesideGangs(machine, step, nowMs) < 1;
}

/** Where places are kept for gangs, only what leaves them, or is over before they are wanted. */
function slotsBesideGangs(machine: MachineState, step: StepState, nowMs: number): number {
  const { capacity, heldMilliCpus, heldMemoryBytes } = machine;
  const kept = keptForOtherGangs(machine, step, nowMs);
  return placesIn(
    {
      milliCpus: capacity.milliCpus - heldMilliCpus - kept.milliCpus,
      memoryBytes: capacity.memoryBytes - heldMemoryBytes - kept.memoryBytes,
    },
    step.class,
  );
}

function keptForOtherGangs(machine: MachineState, step: StepState, nowMs: number): Capacity {
  const sum = { milliCpus: 0, memoryBytes: 0 };
  for (const [gang, kept] of machine.keptForGangs) {
    if (gang === step || isOverBy(step, nowMs, kept.promisedMs)) continue;
    if (machine.record.spec.standing) return machine.capacity; // on trial: it has one place
    const places = kept.machines.get(machine) ?? 0;
    sum.milliCpus += places * gang.class.milliCpus;
    sum.memoryBytes += places * gang.class.memoryBytes;
  }
  return sum;
}

/** Whether a task that began now would most likely be over by then, as its kind was so far. */
function isOverBy({ runTimes }: StepState, nowMs: number, untilMs: number): boolean {
  return runTimes.samples > 0 && nowMs + overMargin * runTimes.meanMs <= untilMs;
}

/** The step that this machine is kept free for, and all that are like it. */
export function keptFreeFor(machine: MachineState, nowMs: number): StepState | undefined {
  const kept = machine.keptFree;
  if (!kept) return undefined;
  if (nowMs < kept.untilMs && kept.step.isInLine && !machine.record.spec.cordoned) return kept.step;
  machine.keptFree = undefined;
  return undefined;
}

/**
 * A task of `step` lacks room, and smaller ones are about to pass it by. When that has gone on for
 * long, the machine is kept free for it, each time for twice as long as before: so that a task that
 * needs all of a machine gets it, however long those on it take. True when the others must wait.
 */
export function keepFree(machine: MachineState, step: StepState, nowMs: number): boolean {
  if (step.passedSinceMs === 0) step.passedSinceMs = nowMs;
  if (nowMs - step.passedSinceMs < limits.passedOverMs) return false;
  if (machine.keptFree) return false;
  step.keptFreeMs = step.keptFreeMs === 0 ? limits.keptFreeMs : step.keptFreeMs * 2;
  machine.keptFree = { step, untilMs: nowMs + step.keptFreeMs };
  step.passedSinceMs = nowMs + step.keptFreeMs;
  return true;
}

/** A task of the step has been handed out: it is passed by no more. */
export function wasServed(machine: MachineState, step: StepState, nowMs: number): void {
  step.waitsSinceMs = nowMs;
  const { account } = step;
  if (account.kept && isAlike(account.kept, step)) account.kept = undefined;
  if (account.madeRoom.size > 0) account.madeRoom.delete(kindOfRoom(step));
  step.passedSinceMs = 0;
  step.keptFreeMs = 0;
  if (machine.keptFree && isAlike(machine.keptFree.step, step)) machine.keptFree = undefined;
}

export function occupy(machine: MachineState, lease: Lease): void {
  const { milliCpus, memoryBytes } = lease.step.class;
  if (lease.isShort) {
    machine.shortTasks++;
    machine.shortWorkMs += lease.meanMs;
  } else {
    machine.heldMilliCpus += milliCpus;
    machine.heldMemoryBytes += memoryBytes;
  }
}

export function vacate(machine: MachineState, lease: Lease): void {
  const { milliCpus, memoryBytes } = lease.step.class;
  if (lease.isShort) {
    machine.shortTasks--;
    machine.shortWorkMs = machine.shortTasks === 0 ? 0 : machine.shortWorkMs - lease.meanMs;
  } else {
    machine.heldMilliCpus -= milliCpus;
    machine.heldMemoryBytes -= memoryBytes;
  }
}

/** What is no task takes of a machine, or gives back with the sign -1. */
export function holdBesideTasks(
  machine: MachineState,
  { milliCpus, memoryBytes }: Capacity,
  sign: 1 | -1,
): void {
  machine.heldMilliCpus += sign * milliCpus;
  machine.heldMemoryBytes += sign * memoryBytes;
  machine.besideTasks = {
    milliCpus: machine.besideTasks.milliCpus + sign * milliCpus,
    memoryBytes: machine.besideTasks.memoryBytes + sign * memoryBytes,
  };
}
