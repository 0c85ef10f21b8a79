import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import type { Random } from "#/base/random.ts";
import type { JobRecord } from "#/model/job.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "./decide.ts";
import type { Action } from "./keep.ts";

export type Spare = Extract<Action, { type: "spare" }>;

const flip = "with autonomy.release: advise in its policy it would only have been said";

/** Takes a machine out of use for a job that does without it; it is given back when what it runs has ended. */
export function spareMachine(
  tx: Transaction,
  job: Pick<JobRecord, "name" | "project">,
  { machine, why }: Pick<Spare, "machine" | "why">,
  at: number,
): void {
  const record = tx.get("machine", machine);
  if (!record || record.spec.cordoned) return;
  tx.put<"machine">({ ...record, spec: { ...record.spec, cordoned: true } });
  const what = `takes ${machine} out of use`;
  decide(tx, job, { at, action: "release", what, why, flip, subject: machine });
}

/** A plan to give a machine back, which waits for somebody to approve it. */
export function proposeRelease(
  tx: Transaction,
  job: JobRecord,
  { machine, why, rest }: Spare,
  { clock, random }: { clock: Clock; random: Random },
): string {
  const { name } = tx.put<"plan">({
    kind: "plan",
    project: job.project,
    name: newId("p", clock, random),
    spec: {
      title: job.spec.title,
      madeBy: "canopy",
      madeAt: clock.now(),
      request: "",
      goal: { objective: job.spec.goal!.objective },
      work: [],
      chainMs: 0,
      considered: [],
      predicted: rest.predicted,
      bound: rest.bound,
      release: { machine, why },
    },
    status: { phase: "proposed", job: job.name },
  });
  return name;
}

/** Gives back what an approved plan says, for the job that does without it. */
export function releaseByPlan(tx: Transaction, job: JobRecord, plan: PlanRecord, at: number): void {
  const { machine, why } = plan.spec.release!;
  const approved = `its plan ${plan.name} says so, which ${plan.status.decidedBy} approved`;
  spareMachine(tx, job, { machine, why: [approved, ...why] }, at);
}
