import type { MixProblem, TaskKind } from "./problem.ts";

/** Which end of what is believed of run times a prediction takes. */
export type Side = "likely" | "high";

/** The run time of one task of a kind, in milliseconds. */
export function taskMs({ runTime }: TaskKind, side: Side): number {
  return Math.max(1, side === "likely" ? runTime.meanMs : runTime.meanHighMs);
}

/** Tasks of a kind, by its number, that one machine of a type, by its number, can end within `byMs`. */
export function tasksWithin(
  { work, types }: MixProblem,
  kind: number,
  type: number,
  byMs: number,
  side: Side,
): number {
  const { bootMs, speed, slots } = types[type]!;
  const usableMs = Math.max(0, byMs - bootMs) * speed;
  return slots[kind]! * Math.floor(usableMs / taskMs(work[kind]!, side) + 1e-9);
}
