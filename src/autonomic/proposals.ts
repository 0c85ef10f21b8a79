import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { PlanRecord, PlanSpec } from "#/model/plan.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { purchasesOf } from "./purchase.ts";

export interface ProposalParts {
  space: Pick<Space, "all">;
  clock: Clock;
  random: Random;
}

/** Who a proposal is for: a job that runs, something that serves nobody, or a project's shared machines. */
export interface Asker {
  readonly project: string;
  readonly job?: string;
  /** The id of what would be ended. */
  readonly saving?: string;
}

/** Who makes proposals, and decides about those that another one takes the place of. */
const byCanopy = "canopy";

/**
 * A plan that Canopy makes: what it says is done when somebody approves it. There is one at a time for whom it is
 * for. Gives its name; undefined where one like it waits already, or somebody has declined one like it lately.
 */
export function propose(
  tx: Transaction,
  asker: Asker,
  spec: Omit<PlanSpec, "madeBy" | "madeAt" | "request">,
  { space, clock, random }: ProposalParts,
): string | undefined {
  const now = clock.now();
  const last = proposalFor(space, asker);
  const restMs = asker.job === undefined ? limits.fleetProposalRestMs : limits.proposalRestMs;
  if (last && stillStands(last, spec, now, restMs)) return undefined;
  if (last?.status.phase === "proposed") withdraw(tx, last, now);
  const { name } = tx.put<"plan">({
    kind: "plan",
    project: asker.project,
    name: newId("p", { clock, random }, (id) => tx.get("plan", id) !== undefined),
    spec: { ...spec, madeBy: byCanopy, madeAt: now, request: "" },
    status: { phase: "proposed", ...(asker.job !== undefined && { job: asker.job }) },
  });
  return name;
}

/**
 * Plans that were decided long ago, and those that nobody has decided about since, leave memory: all but what a job goes by
 * that is there. What somebody has planned is found in the archive, and may be applied at any time.
 */
export function forgetPlans(space: Pick<Space, "all" | "get" | "commit">, now: number): void {
  const old = [...space.all("plan")].filter(({ spec, status }) => {
    const { phase, job, decidedAt = spec.madeAt } = status;
    const isOfLive = phase !== "declined" && job !== undefined && space.get("job", job);
    const keptMs = spec.saving ? limits.savingDeclinedMs : limits.planKeptMs;
    return !isOfLive && now - decidedAt > keptMs;
  });
  if (old.length === 0) return;
  space.commit((tx) => {
    for (const plan of old) tx.archive<"plan">(plan);
  });
}

/** A plan once somebody, or Canopy itself, has decided against it: it stays known whose it was. */
export function declined(plan: PlanRecord, decidedBy: string, decidedAt: number): PlanRecord {
  return { ...plan, status: { ...plan.status, phase: "declined", decidedAt, decidedBy } };
}

/** What was proposed is not wished for any more. */
export function withdrawProposal(
  tx: Transaction,
  asker: Asker,
  { space, clock }: Pick<ProposalParts, "space" | "clock">,
): void {
  const last = proposalFor(space, asker);
  if (last?.status.phase === "proposed") withdraw(tx, last, clock.now());
}

/** It leaves memory: there may be one each few minutes, for as long as nobody decides. */
function withdraw(tx: Transaction, plan: PlanRecord, now: number): void {
  tx.archive<"plan">(declined(plan, byCanopy, now));
}

/** The newest of those that Canopy has not withdrawn. */
export function proposalFor(space: Pick<Space, "all">, asker: Asker): PlanRecord | undefined {
  let last: PlanRecord | undefined;
  for (const plan of space.all("plan"))
    if (isFor(plan, asker) && !(last && last.spec.madeAt > plan.spec.madeAt)) last = plan;
  return last;
}

function isFor({ project, spec, status }: PlanRecord, asker: Asker): boolean {
  if (spec.madeBy !== byCanopy) return false;
  if (asker.saving !== undefined || spec.saving)
    return spec.saving?.subject === asker.saving && project === asker.project;
  if (asker.job !== undefined) return status.job === asker.job && spec.request === "";
  return spec.fleet !== undefined && project === asker.project;
}

/** Numbers alone change with each task that ends: for those a proposal that waits is not replaced at once. */
function stillStands(
  { spec, status }: PlanRecord,
  wished: Wished,
  now: number,
  restMs: number,
): boolean {
  if (sortOf(spec) !== sortOf(wished)) return false;
  const ageMs = now - spec.madeAt;
  switch (status.phase) {
    case "proposed":
      return ageMs <= (wishOf(spec) === wishOf(wished) ? planLifeMs(spec) : restMs);
    case "declined":
      return (
        now - (status.decidedAt ?? 0) <
        (spec.saving ? limits.savingDeclinedMs : limits.proposalDeclinedMs)
      );
    case "approved":
      return false;
  }
}

/** So long a plan may be approved: prices and machines change, what nobody uses does not. */
export const planLifeMs = ({ saving }: Pick<PlanSpec, "saving">): number =>
  saving ? limits.savingPlanLifeMs : limits.planLifeMs;

type Wished = Pick<PlanSpec, "considered" | "release" | "fleet" | "saving">;

/** What is to be bought or given back, however much of it. */
function sortOf({ considered, release, fleet, saving }: Wished): string {
  const buys = purchasesOf(considered).map(({ site, offer }) => `${site} ${offer}`);
  return [
    saving?.rule ?? "",
    release?.machine ?? "",
    fleet && fleet.gives.length > 0 ? "gives" : "",
    ...buys,
  ].join();
}

function wishOf({ considered, release, fleet }: Wished): string {
  const gives = fleet?.gives.map(({ machine }) => machine);
  return JSON.stringify([purchasesOf(considered), release?.machine, gives]);
}
