import type { Considered, Goal, PlanPrediction } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { planMix, type Mix, type NoMix } from "#/planning/mix/mix.ts";
import type { Counts, MixProblem, MixStep } from "#/planning/mix/problem.ts";
import { withRetries } from "./again.ts";
import type { Demand } from "./step-demand.ts";
import {
  candidatesOf,
  type Candidate,
  type KnownOffer,
  type PresentMachine,
} from "./machine-types.ts";

/** What could be done for a job: every machine and offer looked at, and the mix that keeps its goal. */
export interface Proposal {
  readonly considered: readonly Considered[];
  readonly predicted: PlanPrediction;
  readonly bound: number;
  /** Names of steps in the order in which they are to begin. */
  readonly order?: readonly string[];
  readonly asked: Asked;
}

/** What the planner was asked, so that it can be asked again with another number. */
export interface Asked {
  readonly problem: MixProblem;
  /** Of each line that was considered: its number among the types, or what it would be were it not kept out. */
  readonly lines: readonly { readonly at?: number; readonly barred?: Candidate["barred"] }[];
}

export interface Infeasible extends NoMix {
  readonly considered: readonly Considered[];
  /**
   * A machine that is there and that its tasks may use, of which nobody knows what it costs: no budget can be
   * promised.
   */
  readonly unpriced?: string;
}

/** What is asked of the planner, and what its types of machines stand for. */
export interface Question {
  readonly candidates: readonly Candidate[];
  readonly problem: MixProblem;
}

/**
 * The cheapest (or fastest, or cleanest) way to keep a goal: a pure function of what is to run, what there
 * is, what is offered and what is allowed. `allowed` gives the reason why an offer may not be taken.
 */
export function propose(...known: Parameters<typeof questionOf>): Proposal | Infeasible {
  const question = questionOf(...known);
  return unpricedIn(question) ?? answerOf(question, planMix(question.problem));
}

/** Why a budget cannot be held against what is there; undefined where all of it has a price, or there is no budget. */
export function unpricedIn({ candidates, problem }: Question): Infeasible | undefined {
  if (problem.goal.budgetMicros === undefined) return undefined;
  const unpriced = candidates.find(
    ({ considered, type }) => type?.isPresent && considered.microsPerHour === undefined,
  );
  if (!unpriced) return undefined;
  return {
    reason: "too-dear",
    nearestDeadlineMs: undefined,
    nearestBudgetMicros: undefined,
    considered: candidates.map(({ considered }) => considered),
    unpriced: unpriced.type!.name,
  };
}

export function questionOf(
  demand: Demand,
  goal: Goal,
  machines: readonly PresentMachine[],
  offers: readonly KnownOffer[],
  allowed?: (offer: Offer) => string | undefined,
): Question {
  const candidates = candidatesOf(demand.kinds, machines, offers, allowed);
  return { candidates, problem: problemOf(demand, goal, candidates) };
}

/** What a mix means for those who asked. */
export function answerOf(
  { candidates, problem }: Question,
  mix: Mix | NoMix,
): Proposal | Infeasible {
  if (!("counts" in mix))
    return { ...mix, considered: candidates.map(({ considered }) => considered) };
  return {
    considered: consideredWith(candidates, problem, mix),
    predicted: predictionOf(candidates, mix),
    bound: mix.bound,
    asked: { problem, lines: linesOf(candidates) },
    ...(mix.steps && { order: namesInOrder(mix.steps) }),
  };
}

function linesOf(candidates: readonly Candidate[]): Asked["lines"] {
  let at = 0;
  return candidates.map(({ type, barred }) => (type ? { at: at++ } : barred ? { barred } : {}));
}

/** The planner's question about candidates that can serve, in their order. */
export function problemOf(
  demand: Demand,
  goal: Goal,
  candidates: readonly Candidate[],
): MixProblem {
  return {
    work: demand.kinds.map(({ kind, tasks, gang, retried = 0, ...belief }) => ({
      name: kind,
      tasks,
      runTime: withRetries(belief, retried, gang),
      ...(gang && { gang }),
    })),
    chainMs: demand.chainMs,
    ...(demand.steps && { steps: demand.steps }),
    types: candidates.flatMap(({ type }) => type ?? []),
    goal,
  };
}

function namesInOrder(steps: readonly MixStep[]): string[] {
  const placed = steps.toSorted((a, b) => (a.place ?? 0) - (b.place ?? 0));
  return placed.map(({ name }) => name);
}

function consideredWith(
  candidates: readonly Candidate[],
  problem: MixProblem,
  { counts }: Mix,
): Considered[] {
  let at = 0;
  return candidates.map(({ considered, type }) => {
    if (!type) return considered;
    const count = counts[at++]!;
    if (count > 0) return { ...considered, count };
    return { ...considered, whyNot: whyNotTaken(problem, counts) };
  });
}

function whyNotTaken({ goal, types }: MixProblem, counts: Counts): string {
  const isEnoughHere = types.every(({ isPresent }, type) => isPresent || counts[type] === 0);
  if (isEnoughHere) return "what is there already is enough";
  if (goal.objective === "time") return "another mix is faster";
  if (goal.objective === "cost") return "another mix is cheaper";
  return goal.objective === "carbon" ? "another mix is cleaner" : "another mix is worth more";
}

function predictionOf(
  candidates: readonly Candidate[],
  { counts, predicted }: Mix,
): PlanPrediction {
  let at = 0;
  const used = candidates.filter(({ type }) => type && counts[at++]! > 0);
  const isPriced = used.every(({ considered }) => considered.microsPerHour !== undefined);
  return { ...predicted, costMicros: isPriced ? predicted.costMicros : undefined };
}
