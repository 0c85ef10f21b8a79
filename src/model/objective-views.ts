import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { objectives } from "./plan.ts";

const worth = z.string().regex(/^\d+(\.\d{1,6})? ?[A-Z]{3}$/, "must be money like 2.00 USD");

/** What is made small: one thing, or the cost with what an hour and a kilogram of CO2 are worth. */
export const objectiveInput = z.union(
  [
    z.enum(objectives),
    z
      .strictObject({ hour: worth.optional(), kilogram: worth.optional() })
      .refine(({ hour, kilogram }) => hour !== undefined || kilogram !== undefined),
  ],
  { error: `must be ${objectives.join(", ")}, or what an hour and a kilogram of CO2 are worth` },
);
export type ObjectiveInput = z.output<typeof objectiveInput>;

/** Reads "carbon", or "hour=2USD,kilogram=0.10USD". Throws "invalid". */
export function parseObjective(text: string): ObjectiveInput {
  const pairs = text.split(",").map((part) => part.split("="));
  const said = pairs.every(({ length }) => length === 2) ? Object.fromEntries(pairs) : text;
  const { data, error } = objectiveInput.safeParse(said);
  if (!error) return data;
  throw new CanopyError(
    "invalid",
    `Cannot read the objective as it must be one of ${objectives.join(", ")}, or weights: current value is '${text}'`,
    {
      hint: "Weights are what an hour and a kilogram of CO2 are worth: hour=2USD,kilogram=0.10USD",
    },
  );
}

/** For people. */
export function objectiveText(objective: ObjectiveInput): string {
  if (typeof objective === "string") return objective;
  const { hour, kilogram } = objective;
  return [
    "cost",
    ...(hour === undefined ? [] : [`${hour} an hour`]),
    ...(kilogram === undefined ? [] : [`${kilogram} a kilogram of CO2`]),
  ].join(" + ");
}
