import { limits } from "#/base/limits.ts";
import type { PlannedSaving, PlanRecord } from "#/model/plan.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { explainedPlan } from "../views/why-plan.ts";
import { findPlan, planViewOf } from "../views/plans.ts";
import { isStillSo } from "./approve-saving.ts";
import { breachesNow } from "./carry-out.ts";

export const whyPlan = defineCall({
  summary: "Explain a plan",
  description:
    "Why this mix, and for every offer that was considered why it is taken or not, with the smallest changes that would turn that: the planner is asked again, with one number changed.",
  tag: "plans",
  role: "viewer",
  params: planParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const plan = await findPlan(parts.space, project, params.plan);
    const { phase, decidedBy, job } = plan.status;
    const { saving } = plan.spec;
    if (saving) return { id: plan.name, phase, explanations: explainedSaving(parts, plan, saving) };
    const found: ExplanationView[] = [];
    if (phase === "proposed") {
      const breaches = await breachesNow(parts, plan);
      found.push(
        breaches.length === 0
          ? {
              sentence: "it waits for somebody to approve it",
              advice: `canopy approve ${plan.name}`,
            }
          : {
              sentence: `it cannot be carried out any more: ${breaches.join("; ")}`,
              advice: "plan it again: canopy plan",
            },
      );
    } else
      found.push({
        sentence: `it was ${phase} by ${decidedBy}`,
        ...(job !== undefined && { advice: `canopy why ${job}` }),
      });
    const view = planViewOf(plan, parts.currency);
    const { release } = plan.spec;
    if (release)
      found.push({
        machine: release.machine,
        sentence: `it gives ${release.machine} back: ${release.why.join("; ")}`,
      });
    for (const sentence of plan.spec.fleet?.why ?? []) found.push({ sentence });
    if (plan.spec.fleet) return { id: plan.name, phase, explanations: found };
    found.push(...(await explainedPlan(plan, view, parts.clock, limits.whyPlanMs)));
    return { id: plan.name, phase, explanations: found };
  },
});

function explainedSaving(
  parts: DoorParts,
  plan: PlanRecord,
  { subject, why }: PlannedSaving,
): ExplanationView[] {
  const { phase, decidedBy } = plan.status;
  const reasons = why.map((sentence) => ({ subject, sentence }));
  if (phase !== "proposed")
    return [
      { sentence: `it was ${phase} by ${decidedBy}`, advice: `canopy why ${subject}` },
      ...reasons,
    ];
  return isStillSo(parts, plan)
    ? [
        {
          sentence: "it waits for somebody to approve it",
          advice: `canopy approve ${plan.name}`,
        },
        ...reasons,
      ]
    : [{ sentence: `${subject} serves somebody now, or is gone` }];
}
