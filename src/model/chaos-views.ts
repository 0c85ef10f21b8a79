import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { chaosTargets, seedMax } from "./game-day.ts";

/** What the API takes and answers about failure injection; see views.ts for the habits. */
const instant = z.iso.datetime();
const count = z.int().min(0);
const target = z.enum(chaosTargets);
const targets = z
  .array(target)
  .min(1)
  .refine((list) => new Set(list).size === list.length, "must name each target once");
const days = z
  .array(z.int().min(1).max(7))
  .min(1)
  .refine((list) => new Set(list).size === list.length, "must name each day once");
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time like 09:30");
const patterns = z.array(z.string().min(1).max(200)).max(100);
const labels = z.record(z.string().min(1).max(100), z.string().max(200));
const duration = (mostMs: number) => z.int().min(0).max(mostMs);

/** A chaos policy as it is set: all of it at once. */
export const chaosPolicyInput = z.strictObject({
  autonomy: z.enum(["manual", "observe", "act"]).default("manual"),
  targets,
  hitsMax: z.int().min(1).max(limits.gameDayHitsMax).default(10),
  hitsAtOnceMax: z.int().min(1).max(100).default(1),
  machineShareMax: z.number().min(0).max(1).default(0.34),
  lastMachine: z.boolean().default(false),
  neighbours: z.boolean().default(false),
  jobs: patterns.default([]),
  jobsNever: patterns.default([]),
  labels: labels.default({}),
  labelsNever: labels.default({}),
  hours: z.strictObject({ days, from: timeOfDay, to: timeOfDay }).optional(),
  timeZone: z.string().min(1).max(100).default("UTC"),
  gapMs: duration(limits.gameDayMsMax).default(1000),
  awayMs: z
    .int()
    .min(limits.leaseMs + limits.heartbeatMs)
    .max(limits.machineAwayMsMax)
    .default(15_000),
  healMsMax: z.int().min(1000).max(limits.healMsMax).default(60_000),
  schedule: z
    .strictObject({
      days,
      at: z.array(timeOfDay).min(1).max(24),
      forMs: z.int().min(1000).max(limits.gameDayMsMax),
      everyMs: z.int().min(100).max(limits.gameDayMsMax),
    })
    .optional(),
});
export type ChaosPolicyInput = z.input<typeof chaosPolicyInput>;

export const chaosPolicyView = chaosPolicyInput.extend({
  project: z.string(),
  /** When the next game days of the schedule begin; empty without one, and while autonomy is manual. */
  next: z.array(instant),
});
export type ChaosPolicyView = z.output<typeof chaosPolicyView>;

/** A game day as it is asked for. */
export const gameDayInput = z.strictObject({
  forMs: z.int().min(1000).max(limits.gameDayMsMax),
  everyMs: z.int().min(100).max(limits.gameDayMsMax),
  /** All that the policy names when absent. */
  targets: targets.optional(),
  seed: z
    .int()
    .min(0)
    .max(seedMax - 1)
    .optional(),
  /** Goes its way, and only says what it would hit. */
  dryRun: z.boolean().default(false),
});
export type GameDayInput = z.input<typeof gameDayInput>;

export const hitView = z.object({
  number: count,
  target,
  /** A task, or a machine. */
  subject: z.string(),
  machine: z.string(),
  at: instant,
  why: z.string(),
  phase: z.enum(["open", "healed", "missed", "given-up", "dry"]),
  /** Tasks that were under way there. */
  tasks: count,
  /** What noticed it, and how long after the hit. */
  noticedBy: z.string().optional(),
  noticeMs: z.number().optional(),
  /** What took the attempts there to be over, so that their tasks could run again, and when. */
  releasedBy: z.string().optional(),
  releaseMs: z.number().optional(),
  /** Until each task was under way again or had ended, and the machine was back. */
  healMs: z.number().optional(),
  backMs: z.number().optional(),
  lost: z.array(z.string()),
  attemptsLost: count,
  wastedCpuMs: z.number(),
});
export type HitView = z.output<typeof hitView>;

const spread = z.object({ medianMs: z.number().optional(), worstMs: z.number().optional() });

/** The figures of a game day. */
export const gameDayTotals = z.object({
  /** Hits that came to pass, by kind. */
  hits: z.record(target, count),
  missed: count,
  open: count,
  healed: count,
  givenUp: count,
  notice: spread,
  heal: spread,
  /** Tasks that failed for good because of it. */
  tasksLost: count,
  attemptsLost: count,
  wastedCpuMs: z.number(),
});
export type GameDayTotals = z.output<typeof gameDayTotals>;

export const gameDayView = z.object({
  id: z.string(),
  project: z.string(),
  phase: z.enum(["running", "healing", "ended"]),
  startedBy: z.string(),
  startedAt: instant,
  endedAt: instant.optional(),
  forMs: z.number(),
  everyMs: z.number(),
  targets: z.array(target),
  seed: count,
  dryRun: z.boolean(),
  /** Why it stopped hitting. */
  reason: z.string().optional(),
  /** It stopped by itself as something was not as it should be. */
  alarm: z.boolean(),
  /** How often a hit that was due had to wait, and why the last time. */
  refusals: count,
  refusal: z.string().optional(),
  /** Starts of the control plane meanwhile, and for how long it was away at most. */
  restarts: count,
  downMs: z.number(),
  hits: count,
});
export type GameDayView = z.output<typeof gameDayView>;

export const gameDayReport = gameDayView.extend({
  totals: gameDayTotals,
  hitList: z.array(hitView),
});
export type GameDayReport = z.output<typeof gameDayReport>;

/** What a game day would do at this moment. */
export const chaosPreview = z.object({
  /** Why nothing may be hit now, whatever there is. */
  refusal: z.string().optional(),
  /** What the first hit would be. */
  first: z.object({ target, subject: z.string(), machine: z.string(), why: z.string() }).optional(),
  candidates: z.array(z.object({ target, subject: z.string(), machine: z.string() })),
  candidateCount: count,
  keptOut: z.array(z.object({ target, subject: z.string(), why: z.string() })),
  keptOutCount: count,
});
export type ChaosPreview = z.output<typeof chaosPreview>;
