import type { Objective, PlanPrediction } from "#/model/plan.ts";
import { billOf, gramsOf, type MachineType } from "./problem.ts";
import { hourMs } from "#/model/units.ts";

/** What a mix reaches, in the unit of the objective, as high as it may well be; undefined where a part of it is not known. */
export function reachedBy(
  { finishMs, costMicros, grams }: Pick<PlanPrediction, "finishMs" | "costMicros" | "grams">,
  objective: Objective,
): number | undefined {
  if (objective === "time") return finishMs.high;
  if (objective === "carbon") return grams?.high;
  if (objective === "cost" || costMicros === undefined) return costMicros?.high;
  const carbon =
    objective.microsPerKilogram === 0 ? 0 : grams && valueOfGrams(grams.high, objective);
  return carbon === undefined
    ? undefined
    : costMicros.high + timeValue(finishMs.high, objective) + carbon;
}

/** What a machine that is released after `forMs` adds to that; undefined where that is not known. */
export function scoreOfMachine(
  { price, power }: Pick<MachineType, "price" | "power">,
  forMs: number,
  objective: Objective,
): number | undefined {
  if (objective === "carbon") return gramsOf(power, forMs);
  const bill = billOf(price, forMs);
  if (typeof objective === "string" || objective.microsPerKilogram === 0) return bill;
  const grams = gramsOf(power, forMs);
  return grams === undefined ? undefined : bill + valueOfGrams(grams, objective);
}

/** What time adds to it, whatever the machines are. */
export function timeValue(ms: number, objective: Objective): number {
  return typeof objective === "string" ? 0 : (ms * objective.microsPerHour) / hourMs;
}

function valueOfGrams(grams: number, objective: Exclude<Objective, string>): number {
  return (grams * objective.microsPerKilogram) / 1000;
}
