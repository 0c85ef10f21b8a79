import { machinesFor } from "#/autonomic/machines.ts";
import type { Demand } from "#/autonomic/step-demand.ts";
import { propose, type Infeasible } from "#/autonomic/propose.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Goal, LeftOut } from "#/model/plan.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";
import type { Space } from "#/space/space.ts";
import type { DoorParts } from "../parts.ts";
import { rulesNow } from "./now.ts";

/**
 * Throws "infeasible" where no mix of machines that is allowed keeps a job's goal, by all that is known of its work.
 */
export async function requireKeepable(
  parts: DoorParts,
  { project, title, demand, goal }: { project: string; title: string; demand: Demand; goal: Goal },
): Promise<void> {
  const { space, scheduler, clock, knowledge, sites, zones, currency } = parts;
  const rules = await rulesNow(space, project);
  const now = clock.now();
  const found = propose(
    demand,
    { ...goal, objective: "cost" },
    machinesFor(space, scheduler, knowledge, { name: "", project }, now),
    knowledge.offers(sites.offers()),
    (offer) => rules.allowed(zones.known(offer, now, now), title, now),
  );
  if (!("predicted" in found)) throw infeasible(goal, found, unhealthySites(space), currency);
}

export function unhealthySites(space: Space): LeftOut[] {
  return [...space.list("site")].flatMap(({ name, status: { health, reason = "" } }) =>
    health === "unhealthy" ? [{ site: name, reason }] : [],
  );
}

export function infeasible(
  goal: Goal,
  found: Infeasible,
  leftOut: readonly LeftOut[],
  currency: string,
): CanopyError {
  const { reason, nearestDeadlineMs, nearestBudgetMicros, nearestBoth, lacking, unpriced } = found;
  const deadline =
    goal.deadlineMs === undefined ? "" : ` within ${formatDuration(goal.deadlineMs)}`;
  const budget =
    goal.budgetMicros === undefined ? "" : ` for ${formatMicros(goal.budgetMicros)} ${currency}`;
  const why = {
    "too-late": `no mix of the machines that are there and offered is fast enough${nearestBoth ? ", nor one that takes longer cheap enough" : ""}`,
    "too-dear": `every mix ${goal.deadlineMs === undefined ? "" : "that is fast enough "}costs more`,
    "no-machine": lacking
      ? `${lacking.atOnce} tasks of '${lacking.kind}' must run at once, and all machines that are there and offered have room for ${lacking.places} of them`
      : "no machine that is there or offered can run its tasks",
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
  const dear =
    unpriced === undefined
      ? why
      : `its tasks may run on ${unpriced}, and nobody knows what that costs`;
  const without = leftOut.map(({ site, reason }) => `; the site ${site} is unhealthy: ${reason}`);
  const message = `Cannot run it${deadline}${budget} as ${dear}${without.join("")}`;
  return new CanopyError("infeasible", message, {
    hint:
      unpriced !== undefined
        ? "Give its type a price in the price list, or leave --budget out"
        : nearest.length === 0
          ? `${fewerOf(lacking)}dd machines: canopy join, or a site: canopy sites add`
          : `The nearest that can be kept: ${nearest.join(" or ")}`,
  });
}

function fewerOf(lacking: Infeasible["lacking"]): string {
  if (!lacking || lacking.places === 0) return "A";
  const { places } = lacking;
  return `The most that can begin at once is ${places}: --gang ${places} (gang: {minimum: ${places}} in a job file), or a`;
}
