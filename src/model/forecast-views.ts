import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { autonomicPolicyInput } from "./policy-views.ts";
import { schedulingPolicies } from "./scheduling-policy.ts";

const instant = z.iso.datetime();
const share = z.number().min(0).max(1);
const durationMs = z.number().min(0);

/** One time in ten it is below p10, as often below as above p50, one time in ten above p90. */
function bandOf<T extends z.ZodType>(value: T) {
  return z.object({ p10: value, p50: value, p90: value });
}
const instantBand = bandOf(instant);
/** Decimal, in the cloud's currency. */
const moneyBand = bandOf(z.string());
const amountBand = bandOf(z.number());
export type BandView<T> = { p10: T; p50: T; p90: T };

export const jobForecastView = z.object({
  job: z.string(),
  title: z.string(),
  /** "waiting" before the first of its tasks has begun. */
  phase: z.enum(["waiting", "running"]),
  /** When the first of its tasks that wait begins; absent when none waits. */
  beginsAt: instantBand.optional(),
  /** Absent when it ends in no fork: nothing that is there can run what is left of it; or when nobody knows, as `ends` is absent, too. */
  endsAt: instantBand.optional(),
  /** In all, with what it has cost so far; absent when a price is not known. */
  cost: moneyBand.optional(),
  energyJoules: amountBand.optional(),
  /** CO2 equivalent. */
  grams: amountBand.optional(),
  /** Share of the forks in which it ends, and in which it succeeds; absent where time was up before the first had shown it. */
  ends: share.optional(),
  succeeds: share.optional(),
  /** And in which it succeeds by its deadline; absent where it has none, too. */
  inTime: share.optional(),
  /** More steps or tasks may be added than are known. */
  isPartial: z.boolean(),
});
export type JobForecastView = z.output<typeof jobForecastView>;

export const forecastView = z.object({
  /** The instant that it was made from. */
  at: instant,
  /** Runs of the fork that it stands on: the more, the surer the bands. */
  forks: z.int(),
  /** There was no time for all of them. */
  isCutShort: z.boolean(),
  tookMs: durationMs,
  currency: z.string(),
  jobs: z.array(jobForecastView),
  /** When the last job of the cloud ends that is there now. */
  allEndAt: instantBand.optional(),
  /** What all machines cost until then, busy or not; absent when a price is not known. */
  machinesCost: moneyBand.optional(),
  /** Machines that are bought until then for what waits and for goals; absent where no job has a goal and no project a fleet. */
  machinesBought: amountBand.optional(),
});
export type ForecastView = z.output<typeof forecastView>;

const addedMachines = z
  .strictObject({
    count: z.int().min(1).max(10_000).default(1),
    /** An offer of a site, a connected machine that they would be like, or the site of one. */
    like: z.string().min(1).optional(),
    cpus: z.number().positive().optional(),
    memoryBytes: z.int().positive().optional(),
    /** From now until they take tasks; as an offer says, or at once, when absent. */
    bootMs: z.int().min(0).optional(),
  })
  .refine(
    ({ like, cpus, memoryBytes }) =>
      (like === undefined) !== (cpus === undefined || memoryBytes === undefined),
    "must say 'like', or 'cpus' and 'memoryBytes'",
  );

/** One of those that have a name, or a policy of the project as it would be. */
const triedPolicy = z.union([
  z.enum(schedulingPolicies),
  z.strictObject({
    /** What it is called in the answer. */
    title: z.string().min(1).max(200),
    rules: autonomicPolicyInput,
  }),
]);
export type TriedPolicyInput = z.input<typeof triedPolicy>;

export const whatIfRequest = z.strictObject({
  add: z.array(addedMachines).max(100).default([]),
  /** Machines by name. */
  remove: z.array(z.string()).max(1000).default([]),
  policy: triedPolicy.optional(),
  job: z.string().optional(),
  forks: z.int().min(1).max(limits.forecastForksMax).default(limits.forecastForks),
  seed: z.int().min(0).default(1),
});
export type WhatIfInput = z.input<typeof whatIfRequest>;

export const whatIfView = z.object({ without: forecastView, with: forecastView });
export type WhatIfView = z.output<typeof whatIfView>;

export const replayRequest = z.strictObject({
  policies: z.array(triedPolicy).min(1).max(limits.replayPoliciesMax),
  /** What was submitted within this, until now. */
  lastMs: z.int().positive(),
});
export type ReplayInput = z.input<typeof replayRequest>;

export const replayView = z.object({
  replays: z.array(
    z.object({
      policy: z.string(),
      /** Those that ended. */
      jobs: z.int(),
      /** From submission until the first task began, and to the end. */
      waitMs: amountBand,
      meanWaitMs: durationMs,
      responseMs: amountBand,
      meanResponseMs: durationMs,
      /** From the first submission to the last end. */
      makespanMs: durationMs,
      /** What the jobs cost; absent when a price is not known. */
      cost: z.string().optional(),
      /** What the jobs drew; absent when a power is not known. */
      energyJoules: z.number().optional(),
      /** CO2 equivalent; absent when nobody knows how clean the power was. */
      grams: z.number().optional(),
      /** What all machines cost over that time, busy or not. */
      machinesCost: z.string().optional(),
      /** Machines that were bought by the policies. */
      bought: z.int(),
      /** Jobs that had a deadline, and those of them that had not succeeded by then. */
      deadlines: z.int(),
      missed: z.int(),
    }),
  ),
  currency: z.string(),
  /** Jobs of that time that are not in it: they did not succeed, grew as they ran, or were too many. */
  leftOut: z.int(),
  isCutShort: z.boolean(),
  tookMs: durationMs,
});
export type ReplayView = z.output<typeof replayView>;
