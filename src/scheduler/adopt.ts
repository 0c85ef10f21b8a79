import { attemptOf, indexOfTask, type TaskStatus } from "#/model/task.ts";
import type { TaskClaim } from "#/model/wire.ts";
import { isStanding } from "./gang.ts";
import type { Board } from "./board.ts";
import { isForbidden } from "./fit.ts";
import type { Lease, MachineState } from "./state.ts";

/**
 * Compares what a machine that connects says to hold with what it is leased. Claims that stand stay
 * or are taken over from before this start; the others it is told to end. Gives the leases that it
 * does not hold any more.
 *
 * There is no time after which a claim from before is not believed: an agent that rode out a long
 * absence of its cloud may come late, and what it has finished counts as long as nobody else has begun.
 */
export function compareHolds(
  board: Board,
  machine: MachineState,
  holds: readonly TaskClaim[],
): Lease[] {
  const held = new Set<Lease>();
  for (const claim of holds) {
    const [task, fence] = claim;
    const lease = board.heldBy(machine, task, fence) ?? adopt(board, machine, claim);
    if (lease) held.add(lease);
    else board.tellCancel(machine, claim);
  }
  return [...machine.leases].filter((lease) => !held.has(lease) && !lease.isEnding);
}

/**
 * Takes over a lease that was given before this start, unless the task's record says that it is over or
 * the task was handed out since. Of two machines that claim one task, the younger lease is the right one,
 * unless the record says that it was begun as a second attempt beside the older one.
 */
function adopt(board: Board, machine: MachineState, [name, fence]: TaskClaim): Lease | undefined {
  const step = board.stepOf(name);
  const task = board.space.get("task", name);
  // what is left of a gang that has been given up on, and runs again
  if (step?.gang && !step.earlier && !isStanding(board.space, step)) return undefined;
  if (!step?.isOpen || !task || fence > board.epochFence) return undefined;
  if (isForbidden(machine, step.class)) return undefined;
  const { status } = task;
  const index = indexOfTask(name);
  if (fence <= (status.fence ?? 0) || fence <= (step.givenBack.get(index) ?? 0)) return undefined;
  if (status.copies?.some((copy) => copy.fence === fence && copy.isOver)) return undefined;
  const first = step.leases.get(index);
  const known = first?.twin ? [first, first.twin] : first ? [first] : [];
  const rivals = known.filter((one) => !areTwins(status, one.fence, fence));
  if (rivals.some((rival) => rival.fence >= fence)) return undefined;
  for (const rival of rivals) board.revoke(rival);
  const attempt = attemptOf(status);
  const cpus = machine.cpusOf(step);
  const sinceMs = board.clock.monotonicMs();
  machine.jobs.add(step.job);
  return board.grant(step, index, task, machine, { attempt, cpus, isShort: false, sinceMs, fence });
}

/** Whether one of two attempts was begun beside the other one. */
function areTwins({ copies = [] }: TaskStatus, one: number, other: number): boolean {
  const [older, younger] = one < other ? [one, other] : [other, one];
  return copies.some(({ fence, beside }) => fence === younger && beside === older);
}
