import { limits } from "#/base/limits.ts";
import type { Board } from "./board.ts";
import type { RankedShare, Turn } from "./queue.ts";
import { fitsMachine } from "./fit.ts";
import { isStanding } from "./gang.ts";
import { handOut, type Handful } from "./hand-out.ts";
import { lookWhenHomesAreGivenUp, waitsForHomes } from "./homes.ts";
import type { Choice } from "./placement.ts";
import { quotaSlots } from "./quota.ts";
import { awaitedBy, keepFree, outlastsGangs, roomFor } from "./room.ts";
import type { MachineState, SessionState, StepState } from "./state.ts";
import type { TaskClass } from "./task-class.ts";

/** Short tasks of one job that are handed out before it is the next one's turn. */
const runTasksMax = 16;

/**
 * Answers the open pull of a machine with what it has room for, at most so many tasks. Says nothing
 * when there is nothing. Gives how many there were.
 */
export function serve(
  board: Board,
  machine: MachineState,
  choice: Choice,
  tasksMax = Infinity,
): number {
  const { session } = machine;
  if (!session || session.pullTasks === 0 || board.queue.isEmpty || machine.record.spec.cordoned)
    return 0;
  if (awaitedBy(machine)) return 0;
  const isOnTrial = machine.record.spec.standing?.phase === "slowed";
  if (isOnTrial && machine.leases.length > 0) return 0;
  const max = Math.min(session.pullTasks, limits.pullTasksMax, isOnTrial ? 1 : tasksMax);
  const handful: Handful = { choice, bytes: 0, steps: {}, tasks: [] };
  gather(board, machine, session, handful, max);
  if (handful.tasks.length === 0) return 0;
  session.pullTasks = 0;
  session.agent.offer(handful.steps, handful.tasks);
  return handful.tasks.length;
}

function gather(
  board: Board,
  machine: MachineState,
  session: SessionState,
  handful: Handful,
  max: number,
): void {
  const isFull = () => handful.tasks.length >= max || handful.bytes >= limits.offerBytesMax;
  serveShares(board, machine, session, handful, max, false);
  // what projects borrow comes after what all are entitled to
  if (board.quotas.limited > 0 && !isFull())
    serveShares(board, machine, session, handful, max, true);
}

function serveShares(
  board: Board,
  machine: MachineState,
  session: SessionState,
  handful: Handful,
  max: number,
  mayBorrow: boolean,
): void {
  const nowMs = board.clock.monotonicMs();
  const { reservedFor, reservedForProject: payer } = machine.record.spec;
  const shares = board.queue.shares(nowMs).filter(({ share: { project } }) => {
    if (payer !== undefined && project !== payer) return false;
    return !mayBorrow || board.quotas.account(project).cohort !== undefined;
  });
  const fits = (taskClass: TaskClass) => fitsMachine(machine, taskClass);
  const room = (step: StepState) => {
    if (!step.account.isLimited || machine.isPaidFor) return roomFor(machine, step, nowMs);
    const slots = quotaSlots(step, mayBorrow);
    if (slots > 0) return Math.min(slots, roomFor(machine, step, nowMs));
    if (mayBorrow || !step.account.cohort) step.account.isDenying = true;
    return undefined;
  };
  const waits = (step: StepState) => {
    if (step.gang && !isStanding(board.space, step)) return true; // gangs.ts hands it out
    if (outlastsGangs(machine, step, nowMs)) return true;
    if (!step.prepared || !waitsForHomes(board, step, machine, nowMs)) return false;
    lookWhenHomesAreGivenUp(board, step, nowMs);
    return true;
  };
  let passed: StepState | undefined;
  const onPassed = (step: StepState) => void (passed ??= step);
  while (handful.tasks.length < max && handful.bytes < limits.offerBytesMax && shares.length > 0) {
    const { share } = shares[0]!;
    const turn = board.queue.next(share, fits, room, onPassed, { waits, reservedFor });
    if (!turn) {
      shares.shift();
      continue;
    }
    const { step } = turn;
    const isLasting = !step.isShort;
    if (passed && passed !== step && isLasting && keepFree(machine, passed, nowMs)) {
      lookWhenNoLongerKept(board, machine, nowMs);
      continue;
    }
    const runMax = step.slowed ? 1 : runOf(turn, isLasting);
    const tasks = Math.min(turn.tasks, max - handful.tasks.length, runMax);
    turn.take();
    handOut(board, machine, session, handful, step, tasks, nowMs);
    rerank(board, shares, nowMs);
  }
}

function lookWhenNoLongerKept(board: Board, machine: MachineState, nowMs: number): void {
  const { untilMs } = machine.keptFree!;
  board.clock.after(untilMs - nowMs, () => board.onDue(machine), !board.isSimulated);
}

function runOf({ isAlone }: Turn, isLasting: boolean): number {
  if (isAlone) return Infinity;
  return isLasting ? 1 : runTasksMax;
}

/** The first share has been served: it moves to its new place. */
function rerank(board: Board, shares: RankedShare[], nowMs: number): void {
  const first = shares[0]!;
  first.rank = board.fairness.rank(first.share, nowMs);
  let at = 0;
  for (; at + 1 < shares.length && shares[at + 1]!.rank < first.rank; at++) {
    shares[at] = shares[at + 1]!;
  }
  shares[at] = first;
}
