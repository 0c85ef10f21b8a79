import { machinesFor } from "#/autonomic/machines.ts";
import { proposeWhen } from "#/autonomic/carbon/propose-when.ts";
import { newId } from "#/base/ids.ts";
import { planInput, planView } from "#/model/plan-views.ts";
import type { Offer } from "#/model/site.ts";
import { defineCall } from "../call.ts";
import { requireBlobs } from "../jobs/checks.ts";
import { confinedRequest } from "../jobs/confined.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { findPlan, planViewOf } from "../views/plans.ts";
import { budgetOf, objectiveOf } from "../views/policy.ts";
import { infeasible, unhealthySites } from "./keepable.ts";
import { demandNow, rulesNow } from "./now.ts";

export const createPlan = defineCall({
  summary: "Plan a job",
  description:
    "Says what the job would need to keep its deadline and budget: every machine and offer looked at, the mix, its finish, cost, energy and carbon, and how far from the best there is that can be at most. Nothing is spent before the plan is approved. Refused as 'infeasible' with the nearest goal that can be kept.",
  tag: "plans",
  role: "submitter",
  query: inProject,
  body: planInput,
  answer: planView,
  status: 201,
  errors: ["infeasible", "no-space"],
  async run(call) {
    const { parts, project, caller, body } = call;
    const { space, scheduler, clock, random, blobs, sites, zones, knowledge, planner, currency } =
      parts;
    const { told } = body;
    await requireBlobs(blobs, project, body.request.steps);
    const { request } = await confinedRequest(space, project, body.request);
    const demand = await demandNow(parts, project, request, told);
    const { deadlineMs, budget, objective } = body.goal;
    const rules = await rulesNow(space, project);
    const goal = rules.goalOf({
      ...(objective !== undefined && { objective: objectiveOf(objective, currency) }),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(budget !== undefined && { budgetMicros: budgetOf(budget, currency) }),
    });
    const now = clock.now();
    const machines = machinesFor(space, scheduler, knowledge, { name: "", project }, now);
    const allowed = (offer: Offer) => rules.allowed(offer, request.title, now);
    const leftOut = unhealthySites(space);
    const found = await proposeWhen({
      demand,
      goal,
      machines,
      offers: knowledge.offers(sites.offers()),
      allowed,
      zones,
      now,
      mayWait: ["approve", "act"].includes(rules.level("shift")),
      plan: (problem) => planner.plan(problem),
    });
    if (!("predicted" in found)) throw infeasible(goal, found, leftOut, currency);
    const { key } = await blobs.put(project, Buffer.from(JSON.stringify(body.request)));
    const name = await once(call, (tx) => {
      const id = newId("p", { clock, random }, (name) => tx.get("plan", name) !== undefined);
      tx.put<"plan">({
        kind: "plan",
        project,
        name: id,
        spec: {
          title: request.title,
          madeBy: caller.name,
          madeAt: now,
          request: key,
          told,
          goal,
          work: demand.kinds,
          chainMs: demand.chainMs,
          ...found,
          ...(leftOut.length > 0 && { leftOut }),
        },
        status: { phase: "proposed" },
      });
      return id;
    });
    return planViewOf(await findPlan(space, project, name), currency);
  },
});
