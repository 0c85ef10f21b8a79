import { planView } from "#/model/plan-views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import { findPlan, planViewOf } from "../views/plans.ts";

export const readPlan = defineCall({
  summary: "Read a plan",
  tag: "plans",
  role: "viewer",
  params: planParams,
  query: inProject,
  answer: planView,
  isForAny: true,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    return planViewOf(await findPlan(parts.space, project, params.plan), parts.currency);
  },
});
