/**
 * Which work goes first, and where: what a forecast can be asked to try.
 * - "as-it-is": what the cloud does now: jobs by the priority that they have, equal ones in turn.
 * - "first-come": whoever came first, whatever was asked.
 * - "shortest-first": the job with the least work left, as far as is known of such tasks.
 * - "smallest-first": the job whose tasks need the fewest CPUs.
 * - "spread", "pack": as it is, with the emptiest or the fullest machines served first.
 */
export const schedulingPolicies = [
  "as-it-is",
  "first-come",
  "shortest-first",
  "smallest-first",
  "spread",
  "pack",
] as const;
export type SchedulingPolicy = (typeof schedulingPolicies)[number];
