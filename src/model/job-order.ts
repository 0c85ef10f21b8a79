/**
 * Which job of a project goes first: a scheduling policy, carried out through the priorities that the
 * scheduler keeps to anyway.
 * - "as-asked": the priorities that the jobs have; equal ones take turns.
 * - "first-come": whoever came first, whatever was asked.
 * - "shortest-first": the one with the least work left, as far as is known of such tasks.
 * - "smallest-first": the one whose tasks need the fewest CPUs.
 */
export const jobOrders = ["as-asked", "first-come", "shortest-first", "smallest-first"] as const;
export type JobOrder = (typeof jobOrders)[number];
