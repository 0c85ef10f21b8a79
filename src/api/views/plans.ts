import { CanopyError } from "#/base/errors.ts";
import { planLifeMs } from "#/autonomic/proposals.ts";
import { orderCost } from "#/autonomic/spending.ts";
import type { DecisionRecord } from "#/model/decision.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { DecisionView, OrderView, PlanView } from "#/model/plan-views.ts";
import { planDigest } from "#/model/plan-digest.ts";
import type { Band, PlanRecord, PlannedShift, PlanSpec } from "#/model/plan.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { reachedBy } from "#/planning/mix/score.ts";
import { formatMicros } from "#/model/units.ts";
import { objectiveView } from "./policy.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** The plan of that id, live or archived. Throws "not-found", for one of another project too. */
export async function findPlan(space: Space, project: string, id: string): Promise<PlanRecord> {
  const [found] = await space.find("plan", [id]);
  if (found && found.project === project) return found;
  throw new CanopyError("not-found", `Cannot find the plan '${id}' in the project '${project}'`, {
    hint: "See them all: canopy plan ls",
  });
}

/** A plan as it was read, for what is decided about it once more was waited for. */
export interface PlanToDecide {
  readonly plan: PlanRecord;
  /** What it is in that commit. Throws "conflict" where it was taken back since it was read. */
  readonly newest: (tx: Pick<Transaction, "get">) => PlanRecord;
}

/** As `findPlan`. One from the archive is as it was read: nothing there changes before it is live again. */
export async function planToDecide(
  space: Space,
  project: string,
  id: string,
): Promise<PlanToDecide> {
  const wasLive = space.get("plan", id) !== undefined;
  const plan = await findPlan(space, project, id);
  const newest: PlanToDecide["newest"] = (tx) => {
    const live = tx.get("plan", id);
    if (live || !wasLive) return live ?? plan;
    throw new CanopyError(
      "conflict",
      `Cannot decide about the plan ${id} as it must be what it was when it was read: it was taken back meanwhile`,
      { hint: `See what became of it: canopy plan show ${id}` },
    );
  };
  return { plan, newest };
}

export function planViewOf(
  { name, project, spec, status }: PlanRecord,
  currency: string,
): PlanView {
  const { goal, predicted, work, considered, shift } = spec;
  const view = {
    id: name,
    project,
    title: spec.title,
    phase: status.phase,
    madeBy: spec.madeBy,
    madeAt: instantOf(spec.madeAt),
    goodUntil: status.phase === "proposed" ? instantOf(spec.madeAt + planLifeMs(spec)) : undefined,
    decidedAt: maybeInstant(status.decidedAt),
    decidedBy: status.decidedBy,
    job: status.job,
    request: spec.request === "" ? undefined : spec.request,
    currency,
    goal: {
      deadlineMs: goal.deadlineMs,
      budget: maybeMoney(goal.budgetMicros),
      objective: objectiveView(goal.objective, currency),
    },
    work: work.map(({ kind, tasks, meanMs, longMs, seen, gang }) => ({
      kind,
      tasks,
      meanMs,
      longMs,
      seen,
      ...(gang && { atOnce: gang.atOnce }),
    })),
    considered: considered.map(({ microsPerHour, ...rest }) => ({
      ...rest,
      perHour: maybeMoney(microsPerHour),
    })),
    release: spec.release && { ...spec.release, why: [...spec.release.why] },
    fleet: spec.fleet && {
      why: [...spec.fleet.why],
      gives: spec.fleet.gives.map((one) => ({ ...one, why: [...one.why] })),
    },
    saving: spec.saving && {
      subject: spec.saving.subject,
      rule: spec.saving.rule,
      why: [...spec.saving.why],
      perMonth: formatMicros(spec.saving.microsPerMonth),
    },
    leftOut: spec.leftOut?.map((one) => ({ ...one })),
    shift: shift && shiftViewOf(shift),
    predicted: {
      finishMs: predicted.finishMs,
      cost: predicted.costMicros && moneyBand(predicted.costMicros),
      energyJoules: predicted.joules,
      grams: predicted.grams,
    },
    gapMax: gapOf(spec),
  };
  return { ...view, digest: planDigest(view) };
}

function shiftViewOf({ until, workMs: _, why, ...rest }: PlannedShift): PlanView["shift"] {
  return { ...rest, until: instantOf(until), why: [...why] };
}

/** What the plan has in the unit of its objective, over what is the least there can be. */
function gapOf({ goal, predicted, bound }: PlanSpec): number | undefined {
  const reached = reachedBy(predicted, goal.objective);
  if (reached === undefined || !Number.isFinite(bound)) return undefined;
  return bound > 0 ? Math.max(0, reached / bound - 1) : reached > 0 ? undefined : 0;
}

function moneyBand({ likely, high }: Band): { likely: string; high: string } {
  return { likely: formatMicros(likely), high: formatMicros(high) };
}

export function orderViewOf(order: OrderRecord, now: number): OrderView {
  const { name, project, spec, status } = order;
  return {
    id: name,
    project,
    site: spec.site,
    offer: spec.offer.name,
    market: spec.offer.market,
    phase: status.phase,
    since: instantOf(status.since),
    orderedAt: instantOf(spec.orderedAt),
    joinedAt: maybeInstant(status.joinedAt),
    endedAt: maybeInstant(status.endedAt),
    askedBy: spec.askedBy,
    job: spec.job,
    machine: status.machine,
    handle: status.handle,
    reason: status.reason,
    perHour: maybeMoney(spec.offer.microsPerHour),
    cost: maybeMoney(orderCost(now, order)),
  };
}

export function decisionViewOf({ spec }: DecisionRecord): DecisionView {
  const { at, action, what, why, flip, subject } = spec;
  return { at: instantOf(at), action, what, why: [...why], flip, subject };
}

function maybeMoney(micros: number | undefined): string | undefined {
  return micros === undefined ? undefined : formatMicros(micros);
}
