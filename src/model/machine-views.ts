import { z } from "zod";
import { instanceKinds } from "./instance-type.ts";

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

/** What a machine can do for instances. */
export const hostingView = z.object({
  kinds: z.array(z.enum(instanceKinds)),
  /** Whether guests run at the processor's own speed; else they are emulated. */
  hasKvm: z.boolean(),
  /** Networks of their own, or only ways out and forwarded ports. */
  networks: z.enum(["full", "user"]),
  storages: z.array(z.string()),
  /** What is missing for more, for people. */
  missing: z.array(z.string()),
});

export const powerView = z.object({
  idleWatts: z.number(),
  peakWatts: z.number(),
  pue: z.number(),
  /** Where the energy of its tasks is from: its agent measures it (RAPL), or this model. */
  from: z.enum(["measured", "model"]),
  /** As its agent measured it last. */
  wattsNow: z.number().optional(),
});
