import type { JobRecord } from "#/model/job.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "./decide.ts";
import type { Action } from "./keep.ts";
import { cordon } from "./orders.ts";

type Drain = Extract<Action, { type: "drain" }>;

const flip = "with autonomy.release: advise in its policy it would only have been said";

/** Takes a machine out of use for a job that does without it; it is given back when what it runs has ended. */
export function drainMachine(
  tx: Transaction,
  job: Pick<JobRecord, "name" | "project">,
  { machine, why }: Pick<Drain, "machine" | "why">,
  at: number,
): void {
  const record = tx.get("machine", machine);
  if (!record || record.spec.cordoned) return;
  cordon(tx, machine, true);
  const what = `takes ${machine} out of use`;
  decide(tx, job, { at, action: "release", what, why, flip, subject: machine });
}

/** Gives back what an approved plan says, for the job that does without it. */
export function releaseByPlan(tx: Transaction, job: JobRecord, plan: PlanRecord, at: number): void {
  const { machine, why } = plan.spec.release!;
  const approved = `its plan ${plan.name} says so, which ${plan.status.decidedBy} approved`;
  drainMachine(tx, job, { machine, why: [approved, ...why] }, at);
}
