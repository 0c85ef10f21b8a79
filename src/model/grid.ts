import { limits } from "#/base/limits.ts";
import type { GridValues } from "./step.ts";

/**
 * A parameter sweep: every combination of the values of its parameters, numbered from 0, the last
 * parameter turning fastest. A combination is computed from its number, so that no list of them is
 * ever held.
 */
export type Grid = Readonly<Record<string, GridValues>>;

type Scalar = string | number | boolean;

/** How many combinations there are; 1 for no parameters at all. */
export function gridSize(grid: Grid): number {
  return Object.values(grid).reduce((size, values) => size * countOf(values), 1);
}

/** The combination of that number, from 0 to below `gridSize`. */
export function combinationAt(grid: Grid, number: number): Record<string, Scalar> {
  const names = Object.keys(grid);
  const values: Scalar[] = [];
  for (let place = names.length - 1, rest = number; place >= 0; place--) {
    const wheel = grid[names[place]!]!;
    const count = countOf(wheel);
    values[place] = valueAt(wheel, rest % count);
    rest = Math.floor(rest / count);
  }
  return Object.fromEntries(names.map((name, place) => [name, values[place]!]));
}

/** What is wrong with the values of one parameter, as the end of a sentence; undefined when nothing is. */
export function faultOfValues(values: GridValues): string | undefined {
  if (Array.isArray(values))
    return values.length > 0 ? undefined : "must have a value: it is empty";
  const { from, to, by = 1 } = values;
  if (by <= 0) return `must grow: 'by' is ${by}`;
  if (from > to) return `must go up: 'from' is ${from} and 'to' is ${to}`;
  if (countOf(values) > limits.stepTasksMax) return `must be at most ${limits.stepTasksMax} values`;
  return undefined;
}

function countOf(values: GridValues): number {
  if (Array.isArray(values)) return values.length;
  const { from, to, by = 1 } = values;
  // A billionth of a step more: (0.3 - 0) / 0.1 is 2.9999999999999996.
  return Math.floor((to - from) / by + 1e-9) + 1;
}

/** Twelve digits: 3 × 0.1 is 0.3 for whoever wrote "by: 0.1". Whole numbers stay as they are. */
function valueAt(values: GridValues, place: number): Scalar {
  if (Array.isArray(values)) return values[place]!;
  const value = values.from + place * (values.by ?? 1);
  return Number.isInteger(value) ? value : Number(value.toPrecision(12));
}
