import { z } from "zod";
import { placements } from "./placement.ts";
import { usageView } from "./views.ts";

/** What the API answers about energy; see views.ts for the habits. */
const count = z.int().min(0);

const draw = z.object({
  machines: count,
  watts: z.number(),
  /** CO2 equivalent; absent when nobody knows how clean the power of one is. */
  gramsPerHour: z.number().optional(),
});

export const energyView = z.object({
  /** All machines as they are. */
  placed: draw,
  /** Those of them on which nothing runs. */
  atRest: draw,
  /** The same work spread evenly over all of them. */
  spread: draw,
  /** The same work on as few as hold it, those first that draw least for a CPU; the others off. */
  packed: draw,
  /** Machines of unknown power, which are left out. */
  unknown: count,
  /** Of the machines counted, how many measure what they draw. */
  measured: count,
  /** Which machines get work first. */
  placement: z.enum(placements),
});
export type EnergyView = z.output<typeof energyView>;

/** What the jobs of a project have used that were submitted since. */
export const projectCostView = z.object({
  project: z.string(),
  since: z.iso.datetime(),
  jobs: count,
  currency: z.string().length(3),
  /** By its jobs, with all machines that were bought for them. Decimal text; absent where some part has no known price. */
  spent: z.string().optional(),
  /** By instances that were launched since, while they ran, by the price list. */
  instances: z.object({ count, spent: z.string() }).optional(),
  /**
   * Billed since for machines that its jobs share (its fleet), boot and idle time too. What tasks on them held of that
   * is in `spent` as well. Absent where it had none, or some price is not known.
   */
  fleet: z.string().optional(),
  energyJoules: z.number().optional(),
  grams: z.number().optional(),
  usage: usageView,
  /** There were more jobs than are summed: `since` is when the first of those was submitted. */
  isCutShort: z.boolean(),
});
export type ProjectCostView = z.output<typeof projectCostView>;
