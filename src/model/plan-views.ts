import { z } from "zod";
import { jobRequest } from "./job-request.ts";
import { orderPhases } from "./order.ts";
import { objectiveInput } from "./objective-views.ts";
import { markets } from "./site.ts";

/** What the API takes and answers about plans, orders and decisions; see views.ts for the habits. */
const instant = z.iso.datetime();
const count = z.int().min(0);
const money = z.string().regex(/^\d+(\.\d{1,6})?$/, "must be a decimal like 3.00");
const dayMs = 24 * 60 * 60_000;

export const goalInput = z.strictObject({
  /** From the approval of the plan on. */
  deadlineMs: z
    .int()
    .min(1000)
    .max(366 * dayMs)
    .optional(),
  /** "3.00 USD", in the currency of the cloud's prices. */
  budget: z.string().max(100).optional(),
  objective: objectiveInput.optional(),
});

/** What a job that is tried again is to keep from now on. What is absent stays as it is, null is to do without. */
export const retryInput = z.strictObject({
  deadlineMs: goalInput.shape.deadlineMs.nullable(),
  /** For all that it has cost before and will cost. */
  budget: goalInput.shape.budget.nullable(),
});
export type RetryInput = z.input<typeof retryInput>;

/** What a person says of work that nobody has seen: used only where nothing better is known. */
export const toldInput = z.strictObject({
  tasks: z.int().min(1).max(100_000_000).optional(),
  taskMs: z
    .int()
    .min(1)
    .max(366 * dayMs)
    .optional(),
});

export const planInput = z.strictObject({
  request: jobRequest,
  goal: goalInput.prefault({}),
  told: toldInput.prefault({}),
});
export type PlanInput = z.input<typeof planInput>;

export const applyInput = z.strictObject({
  /** The plan's digest, so that what is carried out is what was read. */
  digest: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256: 64 hexadecimal digits"),
});

const band = z.object({ likely: z.number(), high: z.number() });
const moneyBand = z.object({ likely: money, high: money });

export const consideredView = z.object({
  site: z.string(),
  offer: z.string(),
  market: z.enum(markets),
  zone: z.string(),
  /** There already, or on its way. */
  isPresent: z.boolean(),
  countMax: count,
  slots: count,
  perHour: money.optional(),
  watts: z.number().optional(),
  /** How clean its power is, in the mean until the plan is done. */
  gramsPerKwh: z.number().optional(),
  bootMs: z.number().optional(),
  count,
  whyNot: z.string().optional(),
});
export type ConsideredView = z.output<typeof consideredView>;

export const planView = z.object({
  id: z.string(),
  project: z.string(),
  title: z.string(),
  phase: z.enum(["proposed", "approved", "declined"]),
  madeBy: z.string(),
  madeAt: instant,
  /** What is proposed can be approved until then. */
  goodUntil: instant.optional(),
  decidedAt: instant.optional(),
  decidedBy: z.string().optional(),
  job: z.string().optional(),
  /** The blob that holds what was asked for, named by its SHA-256. Absent for a job that runs. */
  request: z.string().optional(),
  /** SHA-256 of what the plan promises and does, as `planDigest` makes it. */
  digest: z.string(),
  currency: z.string(),
  goal: z.object({
    deadlineMs: count.optional(),
    budget: money.optional(),
    objective: objectiveInput,
  }),
  work: z.array(
    z.object({
      kind: z.string(),
      tasks: count,
      meanMs: z.number(),
      longMs: z.number(),
      /** Tasks of which that is known, or "told". */
      seen: z.union([count, z.literal("told")]),
      /** Places that they need at one moment, where they run at once or not at all. */
      atOnce: count.optional(),
    }),
  ),
  considered: z.array(consideredView),
  /** The machine that it gives back, where that is all that it does. */
  release: z.object({ machine: z.string(), why: z.array(z.string()) }).optional(),
  /** What becomes of the machines that the project's jobs share; what is predicted is then an hour's cost at most. */
  fleet: z
    .object({
      why: z.array(z.string()),
      gives: z.array(
        z.object({ machine: z.string(), order: z.string(), why: z.array(z.string()) }),
      ),
    })
    .optional(),
  /** What it ends, where that is all that it does. */
  saving: z
    .object({ subject: z.string(), rule: z.string(), why: z.array(z.string()), perMonth: money })
    .optional(),
  /** Sites that are unhealthy and were not planned with, in their providers' words. */
  leftOut: z.array(z.object({ site: z.string(), reason: z.string() })).optional(),
  /** Where it waits for cleaner power: what is predicted is with it. */
  shift: z
    .object({
      until: instant,
      /** How much less CO2 than at once, by the forecast: 0.31 is 31 %. */
      savingShare: z.number(),
      gramsAtOnce: band,
      gramsPerKwhNow: z.number(),
      gramsPerKwhThen: z.number(),
      /** It is done in one piece once it has begun; else it pauses when power is dirty. */
      isWhole: z.boolean(),
      why: z.array(z.string()),
      flip: z.string(),
    })
    .optional(),
  predicted: z.object({
    finishMs: band,
    cost: moneyBand.optional(),
    energyJoules: band.optional(),
    grams: band.optional(),
  }),
  /** How far above the least that is possible it can be at most, as a share: 0.03 is 3 %. Absent where that is not known. */
  gapMax: z.number().optional(),
});
export type PlanView = z.output<typeof planView>;

export const orderView = z.object({
  id: z.string(),
  project: z.string(),
  site: z.string(),
  offer: z.string(),
  market: z.enum(markets),
  phase: z.enum(orderPhases),
  since: instant,
  orderedAt: instant,
  joinedAt: instant.optional(),
  endedAt: instant.optional(),
  askedBy: z.string(),
  job: z.string().optional(),
  machine: z.string().optional(),
  handle: z.string().optional(),
  reason: z.string().optional(),
  perHour: money.optional(),
  /** So far. Absent where its price is not known. */
  cost: money.optional(),
});
export type OrderView = z.output<typeof orderView>;

export const decisionView = z.object({
  at: instant,
  action: z.string(),
  what: z.string(),
  why: z.array(z.string()),
  flip: z.string().optional(),
  subject: z.string().optional(),
});
export type DecisionView = z.output<typeof decisionView>;
