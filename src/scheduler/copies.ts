import type { TaskCopy } from "#/model/task.ts";
import type { Transaction } from "#/space/space.ts";
import type { Board } from "./board.ts";
import { fitsMachine, isOpenTo } from "./fit.ts";
import { brief, offerOf } from "./hand-out.ts";
import { quotaSlots } from "./quota.ts";
import { hasFreeSlot } from "./room.ts";
import type { Lease, MachineState } from "./state.ts";

/**
 * Second attempts of tasks that are slow.
 *
 * Both attempts have a lease of their own. That there is a second one, and under which fence, is in the
 * task's record before it is handed out, so that after a failover both are taken over as they stand. The
 * first success ends the task and the other lease. Whatever else becomes of one of them is recorded, and
 * the task goes on with the other (`leave` in ending.ts): only the last attempt under way can fail it.
 */

/** Machines on which a second attempt of a task could begin at once. */
export function spareMachines(board: Board, task: string): string[] {
  const lease = board.leaseOf(task);
  if (!lease || !mayHaveCopy(board, lease)) return [];
  return [...board.machines.values()]
    .filter((machine) => isSpare(board, machine, lease))
    .map(({ name }) => name);
}

/** See Scheduler.beginCopy. */
export function beginCopy(
  board: Board,
  attempt: { task: string; fence: number },
  onto: string,
  also: (tx: Transaction) => void,
): boolean {
  const { space, clock } = board;
  const first = board.leaseOf(attempt.task);
  const machine = board.machines.get(onto);
  if (first?.fence !== attempt.fence || !machine || !board.isSure()) return false;
  if (!mayHaveCopy(board, first) || !isSpare(board, machine, first)) return false;
  const { step, index, task } = first;
  const copy: TaskCopy = {
    fence: board.fence + 1,
    beside: first.fence,
    machine: onto,
    at: clock.now(),
  };
  const copies = [...(task.status.copies ?? []), copy];
  const { durable } = board.commit((tx) => {
    tx.put({ ...task, status: { ...task.status, copies } });
    also(tx);
  });
  board.fence = copy.fence;
  first.task = space.get("task", task.name)!;
  const second = board.grant(step, index, first.task, machine, {
    attempt: first.attempt + 1,
    cpus: machine.cpusOf(step),
    isShort: false,
    sinceMs: clock.monotonicMs(),
    fence: copy.fence,
    memoKey: first.memoKey,
    files: first.files,
  });
  const session = machine.session!;
  const asked = session.pullTasks;
  session.pullTasks = 0; // this is its answer
  void durable.then(() => {
    if (machine.session !== session) return;
    const isWanted = board.isCurrent(second);
    if (isWanted && board.isSure()) return tell(board, second);
    if (isWanted) board.revoke(second);
    session.pullTasks ||= asked; // nothing was told: its pull is still open
    board.onDue(machine);
  });
  return true;
}

function tell(board: Board, lease: Lease): void {
  const { machine, step } = lease;
  const record = board.space.get("step", step.name);
  if (!record) return;
  const message = { bytes: 0, steps: {} };
  brief(machine.session!, machine, message, step, record);
  machine.session!.agent.offer(message.steps, [offerOf(board, lease)]);
}

/** Whether nothing in the task itself forbids it. */
function mayHaveCopy({ space }: Board, { twin, isEnding, isShort, step, files }: Lease): boolean {
  // a gang would be larger by it
  if (twin || isEnding || isShort || step.gang || !step.isOpen) return false;
  const template = space.get("step", step.name)?.spec.template;
  if (!template || template.speculate === false) return false;
  const { run, inputs } = template;
  if (run.driver === "runner" && run.role === "job") return false;
  // what was looked up for an attempt from before this start is not known any more
  return files !== undefined || inputs.every(({ from }) => "blob" in from);
}

/** It asks for work, has room for it, in the quota as well where it is not paid for, and nothing that waits could run there. */
function isSpare(board: Board, machine: MachineState, { step, ...first }: Lease): boolean {
  const nowMs = board.clock.monotonicMs();
  if (machine === first.machine || !isOpenTo(machine, step, nowMs)) return false;
  if (!machine.isPaidFor && quotaSlots(step, false) < 1) return false;
  if (machine.session?.pullTasks === 0 || !hasFreeSlot(machine, step, nowMs)) return false;
  for (const waiting of board.queue.heads()) if (fitsMachine(machine, waiting.class)) return false;
  return true;
}
