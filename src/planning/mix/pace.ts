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
  const usableMs = usableMsOf(types[type]!, byMs);
  return types[type]!.slots[kind]! * Math.floor(usableMs / taskMs(work[kind]!, side) + 1e-9);
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
  return taskMs(work[kind]!, side) / (usableMsOf(one, byMs) * one.slots[kind]!);
}

function usableMsOf({ bootMs, speed }: MachineType, byMs: number): number {
  return Math.max(0, byMs - bootMs) * speed;
}
