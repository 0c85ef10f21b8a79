import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { JobRecord } from "#/model/job.ts";
import type { PlanRecord, PlanSpec } from "#/model/plan.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { purchasesOf } from "../purchase.ts";

/** What is to be changed of a job that runs. */
export type Change = Pick<PlanSpec, "considered" | "predicted" | "bound"> &
  Partial<Pick<PlanSpec, "release" | "order" | "asked">>;

export interface ProposalParts {
  space: Pick<Space, "all" | "get">;
  clock: Clock;
  random: Random;
}

/** Who decides about a proposal that another one takes the place of. */
const byCanopy = "canopy";

/**
 * A plan for a job that runs: what it says is done when somebody approves it. There is one at a time. Gives its
 * name; undefined where one like it waits already, or somebody has declined one like it lately.
 */
export function proposeChange(
  tx: Transaction,
  job: JobRecord,
  change: Change,
  { space, clock, random }: ProposalParts,
): string | undefined {
  const now = clock.now();
  const last = lastProposal(space, job.name);
  if (last && stillStands(last, change, now)) return undefined;
  if (last?.status.phase === "proposed") {
    const status = { ...last.status, phase: "declined", decidedAt: now, decidedBy: byCanopy };
    tx.put<"plan">({ ...last, status: status as PlanRecord["status"] });
  }
  const { goal } = job.spec;
  const { name } = tx.put<"plan">({
    kind: "plan",
    project: job.project,
    name: newId("p", clock, random),
    spec: {
      title: job.spec.title,
      madeBy: byCanopy,
      madeAt: now,
      request: "",
      goal: { objective: goal!.objective },
      work: change.release ? [] : (space.get("plan", goal!.plan)?.spec.work ?? []),
      chainMs: 0,
      ...change,
    },
    status: { phase: "proposed", job: job.name },
  });
  return name;
}

/** The newest of the proposals for a job that Canopy has not withdrawn. */
function lastProposal(space: Pick<Space, "all">, job: string): PlanRecord | undefined {
  let last: PlanRecord | undefined;
  for (const plan of space.all("plan")) {
    const { madeBy, request } = plan.spec;
    if (plan.status.job !== job || madeBy !== byCanopy || request !== "") continue;
    if (plan.status.decidedBy !== byCanopy && !(last && last.spec.madeAt > plan.spec.madeAt))
      last = plan;
  }
  return last;
}

/** Numbers alone change with each task that ends: for those a proposal that waits is not replaced at once. */
function stillStands({ spec, status }: PlanRecord, change: Change, now: number): boolean {
  const ageMs = now - spec.madeAt;
  if (wishOf(spec, false) !== wishOf(change, false)) return false;
  switch (status.phase) {
    case "proposed": {
      const isSame = wishOf(spec, true) === wishOf(change, true);
      return ageMs <= (isSame ? limits.planLifeMs : limits.proposalRestMs);
    }
    case "declined":
      return now - (status.decidedAt ?? 0) < limits.proposalDeclinedMs;
    case "approved":
      return false;
  }
}

function wishOf({ considered, release }: Change, isCounted: boolean): string {
  const buys = purchasesOf(considered).map(
    ({ site, offer, count }) => `${site} ${offer}${isCounted ? ` ${count}` : ""}`,
  );
  return [...(release ? [release.machine] : []), ...buys].join();
}
