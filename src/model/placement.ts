/**
 * Which of several machines that ask for work are served first: the one that has asked for longest;
 * the emptiest, each with its part of what waits, so that tasks disturb each other least; the fullest,
 * with all that it has room for, so that others stay idle and can sleep or be released; or the one
 * whose CPUs are cheapest, with all that it has room for.
 */
export const placements = ["asked", "spread", "pack", "cheap"] as const;
export type Placement = (typeof placements)[number];
