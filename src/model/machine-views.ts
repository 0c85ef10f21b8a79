import { z } from "zod";

/** What of a machine only some have; see views.ts for the habits. */
const instant = z.iso.datetime();

/** Of one that has misbehaved: on trial, one task at a time, or isolated until it is tried again. */
export const standingView = z.object({
  phase: z.enum(["slowed", "isolated"]),
  since: instant,
  reason: z.string(),
  until: instant.optional(),
});

/** How fast its agent found it to be when it joined. */
export const measureView = z.object({
  at: instant,
  /** Rounds of mixing whole numbers, on one CPU. */
  roundsPerSecond: z.number(),
  memoryBytesPerSecond: z.number(),
  diskBytesPerSecond: z.number(),
  syncMs: z.number(),
});
