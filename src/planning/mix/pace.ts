import type { MachineType, MixProblem, TaskKind } from "./problem.ts";

/** Which end of what is believed of run times a prediction takes. */
export type Side = "likely" | "high";

/** The run time of one task of a kind, in milliseconds; of a gang that ends as a whole, that of the longest of its tasks. */
export function taskMs({ runTime, gang }: TaskKind, side: Side): number {
  const { meanMs, meanHighMs, longMs } = runTime;
  const longerMs = gang?.isWhole ? Math.max(0, longMs - meanHighMs) : 0;
  return Math.max(1, side === "likely" ? meanMs + longerMs / 3 : meanHighMs + longerMs);
}

/** Tasks of a kind, by its number, that one machine of a type, by its number, can end within `byMs`. */
export function tasksWithin(
  { work, types }: MixProblem,
  kind: number,
  type: number,
  byMs: number,
  side: Side,
): number {
  const { bootMs, slots } = types[type]!;
  const usableMs = Math.max(0, byMs - bootMs);
  return (
    slots[kind]! * Math.floor(usableMs / runMsOn(work[kind]!, types[type]!, kind, side) + 1e-9)
  );
}

/** One task of a kind, or that share of one, on a machine of a type: what it takes is brought there first. */
export function runMsOn(
  work: TaskKind,
  { speed, moveMs }: MachineType,
  kind: number,
  side: Side,
  share = 1,
): number {
  return (share * taskMs(work, side)) / speed + (moveMs?.[kind] ?? 0);
}

/** The part of what one machine can do within `byMs` that one task of a kind takes, whatever else runs there. */
export function shareOfTask(
  { work, types }: MixProblem,
  kind: number,
  type: number,
  byMs: number,
  side: Side,
): number {
  const one = types[type]!;
  const usableMs = Math.max(0, byMs - one.bootMs);
  return runMsOn(work[kind]!, one, kind, side) / (usableMs * one.slots[kind]!);
}
