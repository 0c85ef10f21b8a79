import type { Clock } from "#/base/clock.ts";
import type { Loop } from "#/base/loop.ts";
import { steadyClock } from "#/base/steady-clock.ts";
import type { FleetField } from "./fleet/field.ts";
import { startFleet, type FleetParts } from "./fleet/fleet.ts";
import { startGoals, type GoalParts } from "./goals/goals.ts";
import { KnownRules } from "./known-rules.ts";

export interface AutonomicParts extends Omit<GoalParts, "clock" | "rules"> {
  clock: Clock;
  field: GoalParts["field"] & FleetField;
  knowledge: GoalParts["knowledge"] & FleetParts["knowledge"];
}

/** The loops that keep goals, and that look after machines that jobs share. */
export function startAutonomic(parts: AutonomicParts): Loop {
  const clock = steadyClock(parts.clock);
  const rules = new KnownRules(parts.space);
  const loops = [
    startGoals({ ...parts, clock, rules }, parts.clock),
    startFleet({ ...parts, clock, rules }, parts.clock),
  ];
  return {
    wake: () => loops.forEach((loop) => loop.wake()),
    stop: () => loops.forEach((loop) => loop.stop()),
  };
}
