import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import type { Space } from "#/space/space.ts";
import { openOrders } from "../machines.ts";
import { spentAtMost } from "../spending.ts";
import type { Attempt } from "./attempts.ts";

/**
 * Whether a second attempt may cost what it will on a machine, when it takes `forMs`. A job without a budget
 * pays for it; one with a budget only when as much again is left of that after all that runs, and never what
 * nobody knows the price of. On a machine that was bought for the job it costs nothing more.
 */
export function mayCost(
  space: Pick<Space, "get" | "list" | "all">,
  job: JobRecord,
  copy: { attempt: Attempt; machine: string; forMs: number },
  { attempts, now }: { attempts: readonly Attempt[]; now: number },
): boolean {
  const budget = job.spec.goal?.budgetMicros;
  const { attempt, machine, forMs } = copy;
  if (budget === undefined || space.get("machine", machine)?.spec.reservedFor === job.name)
    return true;
  const parts = {
    job,
    steps: [...space.list("step", job.name)],
    orders: openOrders(space, job.name),
    machine: (name: string) => space.get("machine", name),
  };
  const running = attempts
    .filter(({ task }) => task.startsWith(`${job.name}/`))
    .map(({ task, machine: on, ranMs }) => ({ task, machine: on, since: now - ranMs }));
  const until = now + forMs + limits.goalLookMs;
  const without = spentAtMost(until, { ...parts, running });
  const added = { task: attempt.task, machine, since: now };
  const withIt = spentAtMost(until, { ...parts, running: [...running, added] });
  return without !== undefined && withIt !== undefined && withIt + (withIt - without) <= budget;
}
