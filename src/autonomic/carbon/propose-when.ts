import { limits } from "#/base/limits.ts";
import { meanGrams } from "#/model/carbon-zone.ts";
import type { Band, Considered, Goal, PlannedShift, PlannedWork } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { planMix, type Mix, type NoMix } from "#/planning/mix/mix.ts";
import type { MixProblem } from "#/planning/mix/problem.ts";
import type { GramsAt } from "#/planning/carbon/outlook.ts";
import type { Demand } from "../step-demand.ts";
import type { KnownOffer, PresentMachine } from "../machine-types.ts";
import {
  answerOf,
  questionOf,
  unpricedIn,
  type Infeasible,
  type Proposal,
  type Question as MixQuestion,
} from "../propose.ts";
import { gramsBandOf, loadsOf, type Load } from "./loads.ts";
import { whyWait, flipOf } from "./sentences.ts";
import { decideWhen, type When } from "./when.ts";
import type { CarbonZones, Powered } from "./zones.ts";
import { hourMs } from "#/model/units.ts";

export interface ShiftedProposal extends Proposal {
  readonly shift?: PlannedShift;
}

export interface Question {
  readonly demand: Demand;
  readonly goal: Goal;
  readonly machines: readonly PresentMachine[];
  readonly offers: readonly KnownOffer[];
  readonly allowed: (offer: Offer) => string | undefined;
  readonly zones: CarbonZones;
  /** Wall clock. */
  readonly now: number;
  /** Whether it may wait for cleaner power. */
  readonly mayWait: boolean;
  /** The planner that takes its time. */
  readonly plan: (problem: MixProblem) => Promise<Mix | NoMix>;
}

/** Parts of the deadline by which a mix may be done, so that there is time to wait. */
const hurries = [0.5, 0.25, 0.12];
/** Tasks that take no longer end soon after a pause begins. */
const pausableMsMax = 15 * 60_000;

/**
 * The best way to keep a goal, where and when: `propose` with how clean the power of each machine and offer
 * is forecast to be and, with the objective carbon and a deadline, mixes that are done earlier and so may
 * wait for the cleanest hours. Never more CO2 than at once, by the forecast.
 */
export async function proposeWhen(question: Question): Promise<ShiftedProposal | Infeasible> {
  const { goal, now } = question;
  const { deadlineMs, objective } = goal;
  const asked = askedBy(question, 1, (grams) =>
    meanGrams(grams, now, now + (deadlineMs ?? limits.intensityHorizonMs)),
  );
  const found = unpricedIn(asked) ?? answerOf(asked, await question.plan(asked.problem));
  if (!("predicted" in found)) return found;
  const loads = loadsBy(question, found);
  const atOnce = withGrams(question, loads, found);
  if (objective !== "carbon" || deadlineMs === undefined || !question.mayWait) return atOnce;
  let shifted = shiftedOf(question, atOnce, loads);
  for (const hurry of hurries) {
    // what is there works anyway, however much time there is
    if (found.considered.every(({ isPresent, count }) => isPresent || count === 0)) break;
    const sooner = askedBy(question, hurry, (grams) =>
      cleanestMean(grams, now, deadlineMs, deadlineMs * hurry),
    );
    const other = answerOf(sooner, planMix(sooner.problem));
    if (!("predicted" in other)) break;
    const otherLoads = loadsBy(question, other);
    const better = shiftedOf(question, withGrams(question, otherLoads, other), otherLoads);
    if (gramsHigh(better) < gramsHigh(shifted)) shifted = better;
  }
  return { ...shifted, bound: boundWith(question, shifted) };
}

/** The question with how clean the power of everything is, by that mean of its hours. */
function askedBy(
  { demand, goal, machines, offers, allowed, zones, now }: Question,
  hurry: number,
  mean: (gramsAt: GramsAt) => number | undefined,
): MixQuestion {
  const { deadlineMs, objective } = goal;
  const known = <T extends Powered>(one: T): T & { gramsPerKwh: number | undefined } => ({
    ...one,
    gramsPerKwh: mean(zones.gramsAtOf(one)),
  });
  // what draws nobody knows how much cannot be compared by CO2
  const hasDark = machines.some(({ rates }) => rates.peakWatts <= 0);
  const nameOf = ({ site, name }: Offer) => `${site} ${name}`;
  // a policy's conditions are about this hour, whenever the work is to run
  const forbidden = new Map(
    offers.map((offer) => [nameOf(offer), allowed(zones.known(offer, now, now))]),
  );
  const mayBe = (offer: Offer) =>
    forbidden.get(nameOf(offer)) ??
    (objective === "carbon" && (offer.gramsPerKwh === undefined || offer.peakWatts === undefined)
      ? `nobody knows ${offer.peakWatts === undefined ? "its power" : "how clean its power is"}`
      : undefined);
  return questionOf(
    demand,
    {
      ...goal,
      ...(objective === "carbon" && hasDark && { objective: "cost" as const }),
      ...(deadlineMs !== undefined && { deadlineMs: deadlineMs * hurry }),
    },
    // what is there works whatever is bought: where nobody knows how clean it is, it stands as clean
    machines.map(known).map((one) => ({ ...one, gramsPerKwh: one.gramsPerKwh ?? 0 })),
    offers.map(known),
    mayBe,
  );
}

function loadsBy({ machines, offers, zones }: Question, { considered }: Proposal) {
  return loadsOf(considered, machines, offers, zones);
}

/**
 * CO2 by the hours in which it runs when it begins now, instead of by their mean; and how clean the power of each
 * line is then.
 */
function withGrams(
  { now, machines, offers, zones }: Question,
  loads: readonly Load[] | undefined,
  found: Proposal,
): Proposal {
  const { predicted } = found;
  const cleanOf = ({ site, offer, isPresent }: Considered): { gramsPerKwh?: number } => {
    const one = isPresent
      ? machines.find((machine) => machine.site === site && machine.offer === offer)
      : offers.find((of) => of.site === site && of.name === offer);
    const mean = one && meanGrams(zones.gramsAtOf(one), now, now + predicted.finishMs.high);
    return mean === undefined ? {} : { gramsPerKwh: mean };
  };
  return {
    ...found,
    considered: found.considered.map((line) => ({ ...line, ...cleanOf(line) })),
    predicted: { ...predicted, grams: gramsBandOf(loads, now, predicted.finishMs) },
  };
}

/** The same mix, in the hours in which it does least harm. */
function shiftedOf(
  { goal, demand, now }: Question,
  proposal: Proposal,
  loads: readonly Load[] | undefined,
): ShiftedProposal {
  const { predicted, considered } = proposal;
  const workMs = predicted.finishMs;
  const buys = considered.some(({ isPresent, count }) => !isPresent && count > 0);
  const isWhole = buys || !isPausable(demand.kinds);
  const leftMs = goal.deadlineMs!;
  const when = decideWhen({
    now,
    leftMs,
    workMs: workMs.high,
    loads,
    isRunning: false,
    isWhole,
  });
  if (when.run || !predicted.grams) return proposal;
  return {
    ...proposal,
    predicted: { ...predicted, ...shiftedBands(predicted.finishMs, predicted.grams, when, now) },
    shift: {
      until: when.until,
      workMs,
      savingShare: when.savingShare,
      gramsAtOnce: predicted.grams,
      gramsPerKwhNow: when.gramsPerKwhNow!,
      gramsPerKwhThen: when.gramsPerKwhThen!,
      isWhole,
      why: whyWait(when, { loads: loads!, leftMs, now }),
      flip: flipOf(when),
    },
  };
}

function shiftedBands(finishMs: Band, grams: Band, when: When, now: number) {
  const lateMs = finishMs.high - finishMs.likely;
  const high = Math.max(when.ends - now, when.until - now + finishMs.high);
  const saved = (amount: number) => amount * (1 - when.savingShare);
  return {
    finishMs: { likely: high - lateMs, high },
    grams: { likely: saved(grams.likely), high: saved(grams.high) },
  };
}

/** Whether nothing is lost, and little goes on, when no more tasks are handed out. */
export function isPausable(kinds: readonly PlannedWork[]): boolean {
  return kinds.every(({ longMs }) => longMs <= pausableMsMax);
}

/** What no mix can undercut in its cleanest hour. */
function boundWith(question: Question, { bound }: Proposal): number {
  const { now, goal } = question;
  const cleanest = askedBy(question, 1, (gramsAt) =>
    cleanestMean(gramsAt, now, goal.deadlineMs!, 0),
  );
  const found = planMix(cleanest.problem);
  return "counts" in found ? Math.min(bound, found.bound) : bound;
}

function gramsHigh({ predicted }: Proposal): number {
  return predicted.grams?.high ?? Infinity;
}

/** The least mean over so long that begins within the window, at a whole hour or now. */
function cleanestMean(
  gramsAt: GramsAt,
  now: number,
  windowMs: number,
  forMs: number,
): number | undefined {
  let least: number | undefined;
  for (let at = now; at <= now + windowMs - forMs; at = (Math.floor(at / hourMs) + 1) * hourMs) {
    const mean = meanGrams(gramsAt, at, at + Math.max(1, forMs));
    if (mean === undefined) return undefined;
    least = Math.min(least ?? Infinity, mean);
  }
  return least;
}
