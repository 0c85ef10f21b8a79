import { CanopyError } from "#/base/errors.ts";
import type { Preempted, TaskStatus } from "#/model/task.ts";
import type { Board } from "./board.ts";
import { highestFence, leave } from "./ending.ts";
import { wholeOf } from "./gang.ts";
import { fitsMachine } from "./fit.ts";
import { leasesOfStep, type Lease, type StepState } from "./state.ts";

/**
 * Stops tasks under way, with those of their gangs, as their place is for one of another step. They are ready again, before those
 * that were never handed out, and no attempt is charged; that it was so and why is kept with each.
 * Throws "no-space", having changed nothing.
 */
export function stop(board: Board, asked: readonly Lease[], by: StepState): void {
  const victims = new Set(asked.flatMap(wholeOf));
  const nowMs = board.clock.monotonicMs();
  const at = board.clock.now();
  board.commit((tx) => {
    for (const lease of victims) {
      const { task, machine, sinceMs, twin } = lease;
      const isTwinStopped = twin !== undefined && victims.has(twin);
      if (isTwinStopped && lease.fence > twin.fence) continue; // said with the first
      if (twin && !isTwinStopped) {
        leave({ tx, task, lease });
        continue;
      }
      const { attempts, lost, regrouped } = task.status;
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
        fence: Math.max(highestFence(task.status, lease), twin?.fence ?? 0),
        preempted,
        ...(attempts && { attempts }),
        ...(lost !== undefined && { lost }),
        ...(regrouped !== undefined && { regrouped }),
      };
      tx.put({ ...task, status });
    }
  });
  for (const lease of victims) board.revoke(lease);
}

/** Stops tasks of a step that may not be where they are: what they need has changed. False while the disk is full: they go on. */
export function stopMisplaced(board: Board, step: StepState): boolean {
  const victims = [...leasesOfStep(step)].filter(
    ({ machine, isEnding }) => !isEnding && !fitsMachine(machine, step.class),
  );
  if (victims.length === 0) return true;
  try {
    stop(board, victims, step);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof CanopyError) || thrown.code !== "no-space") throw thrown;
    return false;
  }
}
