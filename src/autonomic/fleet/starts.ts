import type { PlannedWork } from "#/model/plan.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Amounts } from "#/model/quota.ts";
import { slotsOf } from "../slots.ts";

/** Tasks of one kind that wait for a machine. */
export interface WaitingKind extends Pick<PlannedWork, "kind" | "needs" | "driver"> {
  readonly tasks: number;
  /** How long one is believed to run, rather too long than too short; infinite for those that must all begin at once. */
  readonly runMs: number;
  /** They have not come yet: when they are expected, by how much that may be off, and why that is believed. */
  readonly expected?: { readonly inMs: number; readonly offMs: number; readonly why: string };
  /** For how long the first of them has waited, and how many came about when it did. */
  readonly oldest: { readonly ageMs: number; readonly tasks: number };
}

/** A machine that tasks may begin on: one that is there, or on its way. */
export interface FleetMachine {
  readonly name: string;
  readonly site: string;
  readonly capacity: Capacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly drivers: readonly string[] | undefined;
  /** Until it is there; 0 when it is. */
  readonly bootMs: number;
  /** How much longer tasks take there than on a usual machine. */
  readonly slowness: number;
  /** What others leave of it, from 0 to 1. */
  readonly share: number;
  /** What its project may use with all that it may borrow, where the machine counts in it. */
  readonly quota?: Amounts;
  /** What runs there: the part of the machine that it holds, and for how long still. */
  readonly busy: readonly Busy[];
}

export interface Busy {
  /** Of the machine, from 0 to 1. */
  readonly part: number;
  readonly leftMs: number;
}

/**
 * Tasks of a kind that can begin on a machine within `windowMs`: on each slot one at once, when it is free or
 * becomes so, and the next ones each when the one before has ended. For those that are expected the window begins
 * when they are.
 */
export function startsWithin(
  { needs, driver, runMs, expected }: Pick<WaitingKind, "needs" | "driver" | "runMs" | "expected">,
  machine: FleetMachine,
  windowMs: number,
): number {
  const { bootMs, share } = machine;
  const ownMs = runMs * machine.slowness;
  const slots = slotsOf({ needs, driver }, machine);
  if (slots === 0) return 0;
  const busy = withoutQueue(machine.busy);
  const held = busy.reduce((sum, { part }) => sum + part, 0);
  const lateMs = (ms: number) => Math.max(0, ms - Math.max(0, expected?.inMs ?? 0));
  let starts = (1 - held) * slots * rounds(windowMs - lateMs(bootMs), ownMs);
  for (const { part, leftMs } of busy)
    starts += part * slots * rounds(windowMs - lateMs(leftMs), ownMs);
  return Math.floor(starts * share + 1e-9);
}

/** Short tasks are handed out ahead: more than the machine holds run one after the other. */
function withoutQueue(busy: readonly Busy[]): readonly Busy[] {
  const held = busy.reduce((sum, { part }) => sum + part, 0);
  if (held <= 1) return busy;
  return [{ part: 1, leftMs: busy.reduce((sum, { part, leftMs }) => sum + part * leftMs, 0) }];
}

function rounds(leftMs: number, runMs: number): number {
  return leftMs < 0 ? 0 : Math.floor(leftMs / Math.max(1, runMs)) + 1;
}

/** What a task holds of a machine: of what it takes most of. */
export function partOf(
  { milliCpus, memoryBytes }: Capacity,
  { milliCpus: cpus, memoryBytes: memory }: Capacity,
): number {
  return Math.min(1, Math.max(milliCpus / Math.max(1, cpus), memoryBytes / Math.max(1, memory)));
}
