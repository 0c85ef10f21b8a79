import { jobGoalOf } from "#/autonomic/job-goals.ts";
import { plannedDemand, withOrder, type Demand } from "#/autonomic/step-demand.ts";
import { breachesOf } from "#/autonomic/holds.ts";
import { machinesFor } from "#/autonomic/machines.ts";
import type { Rules } from "#/autonomic/rules.ts";
import { beginPlan } from "#/autonomic/carbon/begin.ts";
import { CanopyError } from "#/base/errors.ts";
import { textOf } from "#/base/body.ts";
import { newId } from "#/base/ids.ts";
import { jobRequest, type JobRequest } from "#/model/job-request.ts";
import type { Goal, PlanRecord } from "#/model/plan.ts";
import type { JobView } from "#/model/views.ts";
import type { Transaction } from "#/space/space.ts";
import type { Call } from "../call.ts";
import { confinedRequest, whileOvertaken } from "../jobs/confined.ts";
import { once } from "../once.ts";
import type { DoorParts } from "../parts.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";
import type { PlanToDecide } from "../views/plans.ts";
import { fleetBreachesAt } from "./carry-out-fleet.ts";
import { changeBreachesNow, changeJob } from "./change-job.ts";
import { demandNow, rulesNow } from "./now.ts";

type AnyCall = Call<unknown, unknown, unknown>;

/** How it is asked for. */
export interface Way {
  /** "approve" or "apply". */
  verb: string;
  /** Throws where the plan may not be carried out any more, whatever there is now. */
  check: (plan: PlanRecord, now: number) => void;
  /** Whether what is known of the work now counts, or what was when it was planned. */
  asks: "now" | "then";
}

/**
 * Submits a plan's job and buys exactly what the plan says, in one commit; for a job that runs, does what was proposed. Done again it
 * changes nothing and gives the same job. Throws "conflict" with all reasons where the plan does not hold.
 */
export async function carryOut(call: AnyCall, read: PlanToDecide, way: Way): Promise<JobView> {
  const { parts, project } = call;
  const { plan } = read;
  const { job: known, phase } = plan.status;
  if (known !== undefined) {
    if (phase !== "approved") await changeJob(call, read, known, way);
    return jobViewOf(await findJob(parts, project, known));
  }
  way.check(plan, parts.clock.now());
  parts.pace.requireTurn(call.caller);
  const planned = await requestOf(parts, plan, way);
  const name = await whileOvertaken(() => begun(call, read, planned, way));
  return jobViewOf(await findJob(parts, project, name));
}

/** Submits what was planned, and gives its job's name. */
async function begun(
  call: AnyCall,
  { plan, newest }: PlanToDecide,
  planned: JobRequest,
  way: Way,
): Promise<string> {
  const { parts, project } = call;
  const { request, mark } = await confinedRequest(parts.space, project, planned);
  const rules = await rulesNow(parts.space, project);
  const goal = rules.goalOf(plan.spec.goal); // throws where the policy allows it no more
  const { told = {}, order } = plan.spec;
  const demand =
    way.asks === "then"
      ? plannedDemand(plan.spec)
      : withOrder(await demandNow(parts, project, request, told), order);
  return once(call, (tx) => {
    const found = newest(tx);
    if (found.status.job !== undefined) return found.status.job;
    const now = parts.clock.now();
    way.check(found, now);
    const within = { ...found, spec: { ...found.spec, goal } };
    mustHold(parts, within, way.verb, { demand, rules, title: request.title, now });
    mark(tx);
    return submitPlan(tx, call, found, { request, goal, now });
  });
}

function submitPlan(
  tx: Transaction,
  { parts, project, caller }: AnyCall,
  plan: PlanRecord,
  { request, goal, now }: { request: JobRequest; goal: Goal; now: number },
): string {
  const { clock, random, jobs, sites, pace } = parts;
  const { order } = plan.spec;
  const job = jobs.submitJob(tx, {
    request,
    project,
    submittedBy: caller.name,
    now,
    id: newId("j", { clock, random }, (name) => tx.get("job", name) !== undefined),
    goal: jobGoalOf(goal, now, { plan: plan.name, ...(order && { order }) }),
  });
  const status = { phase: "approved", decidedAt: now, decidedBy: caller.name } as const;
  const approved = tx.put<"plan">({ ...plan, status: { ...status, job: job.name } });
  beginPlan(tx, job, approved, { offers: sites.offers(), clock, random });
  pace.takeTurn(caller);
  return job.name;
}

async function requestOf(
  { blobs }: DoorParts,
  { name, project, spec }: PlanRecord,
  { verb }: Way,
): Promise<JobRequest> {
  const stored = await blobs.get(project, spec.request);
  if (!stored)
    throw new CanopyError(
      "not-found",
      `Cannot ${verb} the plan ${name} as what was asked for is gone`,
    );
  return jobRequest.parse(JSON.parse(await textOf(stored.content)));
}

/** Why a plan that is proposed cannot be carried out at this moment, as approving it would say. */
export async function breachesNow(parts: DoorParts, plan: PlanRecord): Promise<string[]> {
  const { title, fleet } = plan.spec;
  const { job } = plan.status;
  if (job !== undefined) return changeBreachesNow(parts, plan, job);
  const rules = await rulesNow(parts.space, plan.project);
  const now = parts.clock.now();
  if (fleet) return fleetBreachesAt(parts, plan, rules, now);
  return breachesAt(parts, plan, { demand: plannedDemand(plan.spec), rules, title, now });
}

interface Moment {
  demand: Demand;
  rules: Rules;
  title: string;
  now: number;
}

function breachesAt(
  { space, scheduler, sites, zones, knowledge }: DoorParts,
  { project, spec }: PlanRecord,
  { demand, rules, title, now }: Moment,
): string[] {
  return breachesOf(spec, {
    machines: machinesFor(space, scheduler, knowledge, { name: "", project }, now),
    offers: knowledge.offers(sites.offers()),
    allowed: (offer) => rules.allowed(zones.known(offer, now, now), title, now),
    demand,
  });
}

function mustHold(parts: DoorParts, plan: PlanRecord, verb: string, moment: Moment): void {
  const breaches = breachesAt(parts, plan, moment);
  if (breaches.length === 0) return;
  throw new CanopyError(
    "conflict",
    `Cannot ${verb} the plan ${plan.name} as it does not hold any more: ${breaches.join("; ")}`,
    { hint: "Plan it again, and see what has changed: canopy plan" },
  );
}
