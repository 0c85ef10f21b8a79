import type { Preempted, TaskStatus } from "#/model/task.ts";
import type { Board } from "./board.ts";
import type { Lease, StepState } from "./state.ts";

/**
 * Stops tasks under way, as their place is for one of another step. They are ready again, before those
 * that were never handed out, and no attempt is charged; that it was so and why is kept with each.
 * Throws "no-space", having changed nothing.
 */
export function stop(board: Board, victims: readonly Lease[], by: StepState): void {
  const nowMs = board.clock.monotonicMs();
  const at = board.clock.now();
  board.commit((tx) => {
    for (const lease of victims) {
      const { task, fence, machine, sinceMs } = lease;
      const { attempts, lost } = task.status;
      const preempted: Preempted = {
        times: (task.status.preempted?.times ?? 0) + 1,
        at,
        machine: machine.name,
        ranMs: Math.round(nowMs - sinceMs),
        by: by.name,
        project: by.account.project,
      };
      const status: TaskStatus = {
        phase: "ready",
        fence,
        preempted,
        ...(attempts && { attempts }),
        ...(lost !== undefined && { lost }),
      };
      tx.put({ ...task, status });
    }
  });
  for (const lease of victims) board.revoke(lease);
}
