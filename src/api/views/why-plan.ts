import { alternativesOf, type Alternative } from "#/autonomic/alternatives.ts";
import type { Clock } from "#/base/clock.ts";
import type { PlanView } from "#/model/plan-views.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { briefDuration, formatMicros } from "#/model/units.ts";
import type { ExplanationView } from "#/model/views.ts";

/** Why a plan takes what it takes, and for each offer what would have turned that; the planner is asked for `forMs` at most. */
export async function explainedPlan(
  plan: PlanRecord,
  view: PlanView,
  clock: Clock,
  forMs: number,
): Promise<ExplanationView[]> {
  const untilMs = clock.monotonicMs() + forMs;
  const mayGoOn = async () => {
    await new Promise<void>((resolve) => clock.soon(resolve)); // others are served in between
    return clock.monotonicMs() < untilMs;
  };
  const lines: ExplanationView[] = [];
  for await (const one of alternativesOf(plan.spec, mayGoOn)) lines.push(lineOf(one));
  const offers = plan.spec.considered.filter(({ isPresent }) => !isPresent).length;
  const rest = offers - lines.length;
  return [
    ...(lines.length > 0 || plan.spec.considered.length > 0 ? [mixOf(view)] : []),
    ...plan.spec.considered.flatMap(({ isPresent, site, offer, count, whyNot }) =>
      isPresent
        ? [
            {
              subject: `${site} ${offer}`,
              sentence:
                count > 0
                  ? `${count} of it are there already, and are used whatever is bought`
                  : `it is there, and is not used: ${whyNot}`,
            },
          ]
        : [],
    ),
    ...(view.shift
      ? [
          {
            sentence: `it waits until ${view.shift.until.slice(0, 16)}Z: ${view.shift.why.join("; ")}`,
            flip: view.shift.flip,
          },
        ]
      : []),
    ...lines,
    ...(rest > 0
      ? [{ sentence: `${rest} more offers were considered, and are not gone into here` }]
      : []),
    ...(plan.spec.leftOut ?? []).map(({ site, reason }) => ({
      subject: site,
      sentence: `it was not planned with, as it was unhealthy: ${reason}`,
      flip: "its site healthy",
      advice: `canopy why ${site}`,
    })),
  ];
}

function mixOf({ goal, predicted, gapMax, currency }: PlanView): ExplanationView {
  const { deadlineMs, budget, objective } = goal;
  const { finishMs, cost } = predicted;
  const bounds = [
    ...(deadlineMs === undefined
      ? []
      : [`a deadline of ${briefDuration(deadlineMs)}, done in ${briefDuration(finishMs.high)}`]),
    ...(budget === undefined
      ? []
      : [`a budget of ${budget} ${currency}, costing ${cost?.high ?? "an unknown sum"}`]),
  ];
  const keeps = bounds.length === 0 ? "" : ` that keeps ${bounds.join(", and ")}`;
  const least =
    typeof objective === "string"
      ? { cost: "cheapest", time: "fastest", carbon: "cleanest" }[objective]
      : "best";
  const gap =
    gapMax === undefined
      ? ""
      : `; no mix there can be is more than ${(gapMax * 100).toFixed(1)} % better`;
  return { sentence: `it is the ${least} mix that was found${keeps}${gap}` };
}

const flipsShown = 3;

function lineOf({ line, flips }: Alternative): ExplanationView {
  const { site, offer, count, whyNot, microsPerHour } = line;
  const price =
    microsPerHour === undefined ? "an unknown price" : `${formatMicros(microsPerHour)} an hour`;
  const flip =
    flips.length > 0
      ? flips.slice(0, flipsShown).join("; or ")
      : "no price, boot time, number of it or deadline near this one would";
  return {
    subject: `${site} ${offer}`,
    sentence:
      count > 0 ? `it takes ${count} of it, for ${price}` : `it takes none of it: ${whyNot}`,
    flip,
  };
}
