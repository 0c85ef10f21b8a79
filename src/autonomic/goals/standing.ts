import type { JobRecord } from "#/model/job.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { Goal, PlannedWork } from "#/model/plan.ts";
import type { Space } from "#/space/space.ts";
import { demandOfJob } from "../demand.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import { machinesFor, openOrders, type Field } from "../machines.ts";
import type { PresentMachine } from "../machine-types.ts";
import { spentAtMost, type Running, type SpendingParts } from "../spending.ts";
import type { Demand } from "../step-demand.ts";

interface Parts {
  space: Pick<Space, "all" | "get" | "list">;
  field: Field;
  knowledge: Pick<Knowledge, "seen" | "offers" | "slownessOf">;
}

/** All that a job has cost until now and may cost soon; `running` with since when by the clock that bills are by. */
export function spendingOf(
  { space }: Pick<Parts, "space">,
  job: JobRecord,
  running: readonly Running[],
  orders: readonly OrderRecord[] = openOrders(space, job.name),
): SpendingParts {
  return {
    job,
    steps: [...space.list("step", job.name)],
    running,
    orders,
    machine: (name: string) => space.get("machine", name),
  };
}

/** What is left to do, and with which machines. `planned` is what the plan of the job's goal believed. */
export function situationOf(
  { space, field, knowledge }: Parts,
  { job, steps, running }: SpendingParts,
  planned: readonly PlannedWork[],
  now: number,
): { demand: Demand; machines: PresentMachine[] } {
  const { order } = job.spec.goal!;
  const demand = demandOfJob(job.name, {
    steps,
    planned,
    seen: knowledge.seen(job.project),
    underWay: running
      .filter(({ isSecond }) => !isSecond)
      .map(({ task, since }) => ({ task, ranMs: Math.max(0, now - since) })),
    isOpen: job.status.open,
    order,
  });
  return { demand, machines: machinesFor(space, field, knowledge, job, now) };
}

/** What is left of a job's budget and of its time. */
export function leftOf(spending: SpendingParts, leftMs: number | undefined, now: number): Goal {
  const { objective, budgetMicros } = spending.job.spec.goal!;
  return {
    objective,
    ...(leftMs !== undefined && { deadlineMs: Math.max(1, leftMs) }),
    ...(budgetMicros !== undefined && {
      budgetMicros: budgetMicros - (spentAtMost(now, spending) ?? 0),
    }),
  };
}
