import { decisionsAbout, subjectOf } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import { CanopyError } from "#/base/errors.ts";
import type { DecisionRecord } from "#/model/decision.ts";
import type { OrderRecord } from "#/model/order.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, orderParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { isTold } from "../views/access.ts";
import { explainedDecision } from "../views/decisions.ts";
import { planViewOf } from "../views/plans.ts";
import { instantOf } from "../views/time.ts";
import { explainedPlan } from "../views/why-plan.ts";

export const whyOrder = defineCall({
  summary: "Explain an order",
  description:
    "Why the machine was bought, why that offer and not each of the others, and why it was given back or lost.",
  tag: "orders",
  role: "viewer",
  params: orderParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, caller, params }) {
    const [order] = await parts.space.find("order", [params.order]);
    if (!order || !isTold({ project, caller }, order))
      throw new CanopyError("not-found", `Cannot find the order '${params.order}'`, {
        hint: "See them all: canopy orders",
      });
    const decisions = await decisionsOn(parts, order);
    const bought = decisions.find(({ name }) => name === order.spec.decision);
    const after = decisions.filter((one) => one !== bought);
    return {
      id: order.name,
      phase: order.status.phase,
      explanations: [
        nowOf(order),
        ...after.flatMap(explainedDecision),
        ...(await boughtFor(parts, order, bought)),
      ],
    };
  },
});

/** Decisions about the job that pays for it which name the order, its machine, or led to it; the newest first. */
async function decisionsOn(
  { space }: DoorParts,
  { name, spec, status }: OrderRecord,
): Promise<DecisionRecord[]> {
  const about = spec.decision === undefined ? spec.job : subjectOf(spec.decision);
  const ofPayer = about === undefined ? [] : await decisionsAbout(space, about, limits.pageMax);
  const ofOrder = await decisionsAbout(space, name, limits.pageMax);
  const subjects = new Set([name, status.machine]);
  return [
    ...ofOrder,
    ...ofPayer.filter(
      (one) =>
        one.name === spec.decision ||
        (one.spec.subject !== undefined && subjects.has(one.spec.subject)),
    ),
  ];
}

function nowOf({ spec, status }: OrderRecord): ExplanationView {
  const { phase, since, reason, machine } = status;
  const at = instantOf(since);
  const what = `${spec.offer.name} of ${spec.site}`;
  const sentence = {
    ordered: `${what} was asked for by ${spec.askedBy}, and the site has not answered yet`,
    booting: `the site has made ${what} at ${at}, and its agent has not joined yet`,
    joined: `${what} has joined as ${machine ?? "a machine"} at ${at}`,
    releasing: `${what} is given back since ${at}: ${reason ?? "nobody needs it"}`,
    released: `${what} was given back at ${at}: ${reason ?? "nobody needed it"}`,
    failed: `${what} was lost at ${at}: ${reason ?? "the site has it no more"}`,
  }[phase];
  return {
    ...(machine !== undefined && phase === "joined" && { machine }),
    sentence,
    ...(phase === "joined" && machine !== undefined && { advice: `canopy why ${machine}` }),
  };
}

/** Why it was bought, and by its plan, where one said so, why nothing else. */
async function boughtFor(
  { space, clock, currency }: DoorParts,
  { spec }: OrderRecord,
  bought: DecisionRecord | undefined,
): Promise<ExplanationView[]> {
  const [job] = spec.job === undefined ? [] : await space.find("job", [spec.job]);
  const [plan] = job?.spec.goal ? await space.find("plan", [job.spec.goal.plan]) : [];
  const isPlanned = plan?.spec.considered.some(
    ({ site, offer, count, isPresent }) =>
      !isPresent && count > 0 && site === spec.site && offer === spec.offer.name,
  );
  const said = bought ? explainedDecision(bought) : [{ sentence: `${spec.askedBy} asked for it` }];
  // What its plan knows of the others is more than what the decision names.
  if (plan && isPlanned && bought?.spec.why.some((why) => why.includes(plan.name)))
    return [
      said[0]!,
      ...(await explainedPlan(plan, planViewOf(plan, currency), clock, limits.whyPlanMs)),
    ];
  return said;
}
