import type { Board } from "./board.ts";
import { isOpenTo } from "./fit.ts";
import type { Home, Others } from "./ready.ts";
import type { MachineState, StepState } from "./state.ts";

/** The next task of a step for a machine, as far as tasks were looked up: first what has its input there. */
export function nextPrepared(
  board: Board,
  step: StepState,
  machine: MachineState,
  nowMs: number,
): { index: number; home?: Home } | undefined {
  return step.prepared!.ready.next(machine.name, nowMs, othersFor(board, step, nowMs));
}

/** Whether all tasks of a step that could be handed out wait for other machines, which have their input. */
export function waitsForHomes(
  board: Board,
  step: StepState,
  machine: MachineState,
  nowMs: number,
): boolean {
  const ready = step.prepared?.ready;
  if (!ready || ready.length === 0) return false;
  return !ready.hasFor(machine.name, nowMs, othersFor(board, step, nowMs));
}

/** Machines that were turned away are looked at again when the first task has waited for long enough. */
export function lookWhenHomesAreGivenUp(board: Board, step: StepState, nowMs: number): void {
  if (step.isAwaitingHomes) return;
  step.isAwaitingHomes = true;
  const look = () => {
    step.isAwaitingHomes = false;
    board.onDue(undefined);
  };
  board.clock.after(step.prepared!.ready.untilMs - nowMs, look, !board.isSimulated);
}

/** Who could take tasks of that step whose input they have. */
function othersFor(board: Board, step: StepState, nowMs: number): Others {
  const takes = (name: string) => {
    const machine = board.machines.get(name);
    return machine !== undefined && isOpenTo(machine, step, nowMs);
  };
  return { changes: board.openings, takes };
}
