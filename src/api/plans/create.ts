import { machinesFor } from "#/autonomic/machines.ts";
import { proposeWhen } from "#/autonomic/carbon/propose-when.ts";
import type { Infeasible } from "#/autonomic/propose.ts";
import { CanopyError } from "#/base/errors.ts";
import { newId } from "#/base/ids.ts";
import { planInput, planView } from "#/model/plan-views.ts";
import type { Goal, LeftOut } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";
import type { Space } from "#/space/space.ts";
import { defineCall } from "../call.ts";
import { requireObjects } from "../jobs/checks.ts";
import { confinedRequest } from "../jobs/confined.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { findPlan, planViewOf } from "../views/plans.ts";
import { budgetOf, objectiveOf } from "../views/policy.ts";
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
    const { space, scheduler, clock, random, objects, sites, zones, knowledge, planner, currency } =
      parts;
    const { told } = body;
    await requireObjects(objects, project, body.request.steps);
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
    const { key } = await objects.put(project, Buffer.from(JSON.stringify(body.request)));
    const name = await once(call, (tx) => {
      const id = newId("p", clock, random);
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

function unhealthySites(space: Space): LeftOut[] {
  return [...space.list("site")].flatMap(({ name, status: { health, reason = "" } }) =>
    health === "unhealthy" ? [{ site: name, reason }] : [],
  );
}

function infeasible(
  goal: Goal,
  found: Infeasible,
  leftOut: readonly LeftOut[],
  currency: string,
): CanopyError {
  const { reason, nearestDeadlineMs, nearestBudgetMicros, nearestBoth } = found;
  const deadline =
    goal.deadlineMs === undefined ? "" : ` within ${formatDuration(goal.deadlineMs)}`;
  const budget =
    goal.budgetMicros === undefined ? "" : ` for ${formatMicros(goal.budgetMicros)} ${currency}`;
  const why = {
    "too-late": `no mix of the machines that are there and offered is fast enough${nearestBoth ? ", nor one that takes longer cheap enough" : ""}`,
    "too-dear": `every mix ${goal.deadlineMs === undefined ? "" : "that is fast enough "}costs more`,
    "no-machine": "no machine that is there or offered can run its tasks",
  }[reason];
  const deadlineOf = (ms: number) => `--deadline ${formatDuration(Math.ceil(ms / 1000) * 1000)}`;
  const budgetWord = (micros: number) => `--budget ${formatMicros(micros)}${currency}`;
  const nearest = [
    ...(nearestDeadlineMs === undefined ? [] : [deadlineOf(nearestDeadlineMs)]),
    ...(nearestBudgetMicros === undefined || goal.budgetMicros === undefined
      ? []
      : [budgetWord(nearestBudgetMicros)]),
    ...(nearestBoth
      ? [`${deadlineOf(nearestBoth.deadlineMs)} ${budgetWord(nearestBoth.budgetMicros)}`]
      : []),
  ];
  const without = leftOut.map(({ site, reason }) => `; the site ${site} is unhealthy: ${reason}`);
  const message = `Cannot run it${deadline}${budget} as ${why}${without.join("")}`;
  return new CanopyError("infeasible", message, {
    hint:
      nearest.length === 0
        ? "Add machines: canopy join, or a site: canopy sites add"
        : `The nearest that can be kept: ${nearest.join(" or ")}`,
  });
}
