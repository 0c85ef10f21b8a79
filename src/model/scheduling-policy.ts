import type { objectives } from "./plan.ts";
import type { Placement } from "./placement.ts";

/** Which job goes first, where that is not by the priorities that they have. */
export type JobOrder = "first-come" | "shortest-first" | "smallest-first";

/** What is tried; as it is, where it says nothing. */
export interface Scheduling {
  readonly order?: JobOrder;
  readonly placement?: Placement;
  /** Of every job that has a goal: what is made small where its deadline and budget leave a choice. */
  readonly objective?: (typeof objectives)[number];
}

const known = {
  /** What the cloud does now: jobs by the priority that they have, equal ones in turn. */
  "as-it-is": {},
  /** Whoever came first, whatever was asked. */
  "first-come": { order: "first-come" },
  /** The job with the least work left, as far as is known of such tasks. */
  "shortest-first": { order: "shortest-first" },
  /** The job whose tasks need the fewest CPUs. */
  "smallest-first": { order: "smallest-first" },
  spread: { placement: "spread" },
  pack: { placement: "pack" },
  /** What costs least: the cheapest machines first, and what is bought is bought for its price. */
  cheap: { placement: "cheap", objective: "cost" },
  /** What is over soonest: short jobs first, on the emptiest machines, and what is bought is the fastest that budgets allow. */
  fast: { order: "shortest-first", placement: "spread", objective: "time" },
  /** What emits least: on as few machines as can be, those first that draw least, and the cleanest are bought. */
  green: { placement: "pack", objective: "carbon" },
} as const satisfies Readonly<Record<string, Scheduling>>;

/** A named way to schedule: what a forecast can be asked to try. */
export type SchedulingPolicy = keyof typeof known;

export const schedulingPolicies = Object.keys(known) as [SchedulingPolicy, ...SchedulingPolicy[]];

export function schedulingOf(policy: SchedulingPolicy): Scheduling {
  return known[policy];
}
