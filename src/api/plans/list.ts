import { planView } from "#/model/plan-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { planViewOf } from "../views/plans.ts";

export const listPlans = defineCall({
  summary: "List plans",
  description: "The newest first.",
  tag: "plans",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(planView),
  async run({ parts, project, query }) {
    const { space, currency } = parts;
    const { limit, cursor } = query;
    const isAsked = (plan: { name: string; project: string }) =>
      plan.project === project && (cursor === undefined || plan.name < cursor);
    const live = [...space.all("plan")].filter(isAsked);
    const archived = await space.archived("plan", {
      project,
      limit: limit + 1,
      ...(cursor !== undefined && { before: cursor }),
    });
    const found = new Map([...archived, ...live].map((plan) => [plan.name, plan]));
    const plans = [...found.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
    const items = plans.slice(0, limit).map((plan) => planViewOf(plan, currency));
    return plans.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});
