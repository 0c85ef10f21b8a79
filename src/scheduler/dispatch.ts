import type { Timer } from "#/base/clock.ts";
import type { Board } from "./board.ts";
import type { MachineState } from "./state.ts";
import { serve } from "./take.ts";

const unsureMs = 100;

/**
 * Answers open pulls when there is something new: once in a turn of the event loop, however much has
 * happened in it. Who has waited longest is answered first.
 */
export class Dispatch {
  #board: Board;
  #pulling = new Set<MachineState>();
  #due = new Set<MachineState>();
  /** The one added last: a machine is woken for each task of a report. */
  #lastDue: MachineState | undefined;
  #areAllDue = false;
  #isAwaited = false;
  #isStopped = false;
  #retry: Timer | undefined;

  constructor(board: Board) {
    this.#board = board;
  }

  /** That machine may take more, or has to be told something; all of them when undefined. */
  wake(machine: MachineState | undefined): void {
    if (!machine) this.#areAllDue = true;
    else if (machine !== this.#lastDue) this.#due.add((this.#lastDue = machine));
    if (this.#isAwaited || this.#isStopped) return;
    this.#isAwaited = true;
    this.#board.clock.soon(() => this.#turn());
  }

  /** Does at once what was to be done soon: work leaves for its agent before answers are written to who submitted it. */
  now(): void {
    if (this.#isAwaited) this.#turn();
  }

  /** A pull was opened: answered at once when there is something. */
  opened(machine: MachineState): void {
    this.#pulling.delete(machine);
    this.#answer(machine);
    if (machine.session && machine.session.pullTasks > 0) this.#pulling.add(machine);
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  #turn(): void {
    this.#isAwaited = false;
    if (this.#isStopped) return;
    if (!this.#board.isSure()) return this.#again();
    const due = this.#areAllDue ? [...this.#pulling, ...this.#due] : [...this.#due];
    this.#areAllDue = false;
    this.#due.clear();
    this.#lastDue = undefined;
    // first who has to end what, so that nobody has begun in its place before
    for (const machine of due) this.#tellCancels(machine);
    for (const machine of due) if (this.#pulling.has(machine)) this.#answer(machine);
  }

  #answer(machine: MachineState): void {
    if (!this.#board.isSure()) return this.#again();
    const { session, leasesUntilMs } = machine;
    // a machine that is not heard is given nothing
    if (this.#board.clock.monotonicMs() < leasesUntilMs) serve(this.#board, machine);
    if (!session || session.pullTasks === 0) this.#pulling.delete(machine);
  }

  /** Another may hand out the same tasks, or nothing was heard from the log for a moment: it is seen soon. */
  #again(): void {
    this.#retry ??= this.#board.clock.after(
      unsureMs,
      () => {
        this.#retry = undefined;
        this.wake(undefined);
      },
      true,
    );
  }

  #tellCancels(machine: MachineState): void {
    if (machine.cancels.length === 0) return;
    const { cancels } = machine;
    machine.cancels = [];
    machine.session?.agent.cancel(cancels);
  }
}
