import type { SteadyClock } from "#/base/steady-clock.ts";
import { limits } from "#/base/limits.ts";
import { hasJobEnded } from "#/model/job.ts";
import { briefDuration } from "#/model/units.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { decide } from "./decide.ts";

/**
 * Deadlines and bills are kept by a clock that nobody sets, but records hold instants of the wall clock. When
 * that was set, instants that are still counted from are moved along in one commit, so that whoever reads them
 * later, this process after a restart or another control plane, finds as much time left, and as much to pay, as there is.
 */
export function followWallClock(space: Space, clock: SteadyClock): void {
  const byMs = Math.round(clock.behindMs());
  if (Math.abs(byMs) < limits.clockJumpMsMin) return;
  space.commit((tx) => {
    for (const job of space.all("job")) moveDeadline(tx, job.name, byMs, clock.now() + byMs);
    for (const order of space.all("order")) moveBill(tx, order.name, byMs);
  });
  clock.align();
}

function moveDeadline(tx: Transaction, name: string, byMs: number, at: number): void {
  const job = tx.get("job", name);
  if (!job?.spec.goal || hasJobEnded(job)) return;
  const { goal } = job.spec;
  const { deadlineAt } = goal;
  if (deadlineAt !== undefined)
    tx.put<"job">({
      ...job,
      spec: { ...job.spec, goal: { ...goal, deadlineAt: deadlineAt + byMs } },
    });
  decide(tx, job, {
    at,
    action: "hold",
    what: "keeps its deadline and its bill as they were",
    why: [
      `the clock of the control plane was set ${byMs > 0 ? "forward" : "back"} by ${briefDuration(Math.abs(byMs))}, in which no time passed`,
    ],
    flip: "had that time passed, the deadline would be nearer and the bill larger",
  });
}

function moveBill(tx: Transaction, name: string, byMs: number): void {
  const order = tx.get("order", name);
  if (!order) return;
  // of those that have ended, too: for an hour they count against what may be billed in any
  const { since, billedFrom, joinedAt, endedAt, drainsSince } = order.status;
  tx.put<"order">({
    ...order,
    spec: { ...order.spec, orderedAt: order.spec.orderedAt + byMs },
    status: {
      ...order.status,
      since: since + byMs,
      ...(billedFrom !== undefined && { billedFrom: billedFrom + byMs }),
      ...(joinedAt !== undefined && { joinedAt: joinedAt + byMs }),
      ...(endedAt !== undefined && { endedAt: endedAt + byMs }),
      ...(drainsSince !== undefined && { drainsSince: drainsSince + byMs }),
    },
  });
}
