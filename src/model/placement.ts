/**
 * Which of several machines that ask for work are served first: the one that has asked for longest;
 * the emptiest, each with its part of what waits, so that tasks disturb each other least; or the
 * fullest, with all that it has room for, so that others stay idle and can sleep or be released.
 */
export const placements = ["asked", "spread", "pack"] as const;
export type Placement = (typeof placements)[number];
