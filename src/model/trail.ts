import { z } from "zod";

/**
 * What is known of one call afterwards: who asked what, of which thing, when, from where, and what came of it.
 * Nothing of what was sent or told is in it, so that no secret can be.
 */
export const trailEntry = z.object({
  id: z.string().meta({ description: "The call's own, as its answer named it" }),
  at: z.number().int().meta({ description: "When it came, in milliseconds" }),
  ms: z.number().meta({ description: "How long its answer took" }),
  service: z.string().meta({ description: "An AWS service, or canopy" }),
  operation: z.string(),
  project: z.string().meta({ description: "Of who asked; empty for strangers" }),
  who: z.string().meta({ description: "An ARN, or the name of a key" }),
  accessKeyId: z.string().optional(),
  sourceIdentity: z
    .string()
    .optional()
    .meta({ description: "Who is behind a role's session, as it was begun" }),
  from: z.string().meta({ description: "The address it came from" }),
  agent: z.string().optional().meta({ description: "The program, as it calls itself" }),
  resource: z.string().optional(),
  status: z.number().int(),
  error: z.string().optional(),
  isRead: z.boolean().meta({ description: "It changed nothing" }),
});
export type TrailEntry = z.infer<typeof trailEntry>;

/** Calls about things themselves, and calls that pass data through them: there may be a thousand of these for one of those. */
export const trailKinds = ["management", "data"] as const;
export type TrailKind = (typeof trailKinds)[number];

export const trailPage = z.object({
  items: z.array(trailEntry),
  next: z.string().optional().meta({ description: "Give it as `after` to read on, into the past" }),
});
export type TrailPage = z.infer<typeof trailPage>;
