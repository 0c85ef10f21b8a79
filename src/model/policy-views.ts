import { z } from "zod";
import { objectiveInput } from "./objective-views.ts";
import { autonomies } from "./policy.ts";
import { markets } from "./site.ts";

/** What the API takes and answers about what Canopy may do by itself; see views.ts for the habits. */
const yearMs = 366 * 24 * 60 * 60_000;
const name = z.string().min(1).max(100);
const duration = z.int().min(1000).max(yearMs);
const money = z.string().regex(/^\d+(\.\d{1,6})? ?[A-Z]{3}$/, "must be money like 3.00 USD");
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time like 09:30");
const level = z.enum(autonomies);

export const autonomicPolicyInput = z.strictObject({
  /** Of jobs that name none of their own. */
  objective: objectiveInput.optional(),
  deadlineMs: duration.optional(),
  budget: money.optional(),
  /** No job may ask for more. */
  deadlineMsMax: duration.optional(),
  budgetMax: money.optional(),
  sites: z.array(name).min(1).max(1000).optional(),
  sitesNever: z.array(name).max(1000).optional(),
  markets: z.array(z.enum(markets)).min(1).optional(),
  /** What a machine that is bought must have at least, and how it must be labelled. */
  needs: z
    .strictObject({
      cpus: z.number().positive().max(100_000).optional(),
      memoryBytes: z.int().positive().optional(),
      labels: z.record(name, z.string().max(1000)).optional(),
    })
    .optional(),
  /** CEL over `offer` and `job`. */
  where: z.string().min(1).max(10_000).optional(),
  /** What reads these blobs, or what was made of them, runs only at these sites. */
  data: z
    .array(
      z.strictObject({
        blobs: z.string().min(1).max(1024),
        sites: z.array(name).min(1).max(100),
      }),
    )
    .max(100)
    .optional(),
  /** Hours in which nothing is bought. Days by ISO 8601: 1 is Monday. */
  quiet: z
    .strictObject({ days: z.array(z.int().min(1).max(7)).min(1), from: timeOfDay, to: timeOfDay })
    .optional(),
  timeZone: z.string().min(1).max(100).default("UTC"),
  /** Machines that jobs without a plan of their own share: as many as it takes. */
  fleet: z
    .strictObject({
      /** No task is to wait longer for a machine. */
      waitMsMax: duration,
      machinesMin: z.int().min(0).max(100_000).default(0),
      machinesMax: z.int().min(1).max(100_000),
      /** Billed for them in any hour at most. */
      budgetPerHour: money.optional(),
      /** One that ran nothing for so long is given back. */
      idleMs: duration.default(5 * 60_000),
    })
    .optional(),
  /** What costs money and serves nobody, by rule: what is not named is left to people. */
  savings: z
    .strictObject({
      /** Kept as a snapshot, and then deleted. */
      "unattached-volume": level.optional(),
      "stale-snapshot": level.optional(),
      /** Of deregistered images: what nothing else names. */
      "orphaned-image-data": level.optional(),
      "forgotten-request": level.optional(),
      /** Stopped: with its memory, where it may hibernate. */
      "idle-instance": level.optional(),
    })
    .optional(),
  autonomy: z
    .strictObject({
      buy: level.default("act"),
      release: level.default("act"),
      /** Lets jobs wait for cleaner power: by "approve" only as an approved plan says. */
      shift: level.default("act"),
      /** What hangs now cannot wait for somebody's approval. */
      heal: z.enum(["manual", "observe", "advise", "act"]).default("act"),
    })
    .prefault({}),
});
export type AutonomicPolicyInput = z.input<typeof autonomicPolicyInput>;

export const autonomicPolicyView = autonomicPolicyInput.extend({ project: z.string() });
export type AutonomicPolicyView = z.output<typeof autonomicPolicyView>;
