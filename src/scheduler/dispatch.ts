import type { Timer } from "#/base/clock.ts";
import type { Placement } from "#/model/placement.ts";
import type { Board } from "./board.ts";
import { Gangs } from "./gangs.ts";
import { quotaSlots } from "./quota.ts";
import { freeShare, inOrder, partOf } from "./placement.ts";
import type { MachineState } from "./state.ts";
import { serve } from "./take.ts";

const unsureMs = 100;
/** Who asks when no other open pull could take the same. */
const alone = { place: 1, of: 1 };

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

  #placement: () => Placement;

  #gangs: Gangs;

  constructor(board: Board, placement: () => Placement) {
    this.#board = board;
    this.#gangs = new Gangs(board, () => this.wake(undefined));
    this.#placement = placement;
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
    if (machine.keptForGangs.size > 0 && this.#board.isSure()) this.#gangs.asked(machine);
    this.#answer(machine);
    if (this.#board.gangsInLine > 0) this.wake(machine);
    if (machine.session && machine.session.pullTasks > 0) this.#pulling.add(machine);
  }

  stop(): void {
    this.#isStopped = true;
    this.#gangs.stop();
    this.#retry?.cancel();
  }

  #turn(): void {
    this.#isAwaited = false;
    if (this.#isStopped) return;
    if (!this.#board.isSure()) return this.#again();
    const due = this.#areAllDue ? this.#pulling.union(this.#due) : new Set(this.#due);
    this.#areAllDue = false;
    this.#due.clear();
    this.#lastDue = undefined;
    // first who has to end what, so that nobody has begun in its place before
    for (const machine of due) this.#tellCancels(machine);
    this.#gangs.first();
    this.#serve([...due].filter((machine) => this.#pulling.has(machine)));
    this.#gangs.rest();
  }

  #serve(asking: MachineState[]): void {
    const { queue } = this.#board;
    const placement = this.#placement();
    const of = asking.length;
    let waiting = placement === "spread" && of > 1 ? queue.waiting : 0;
    let isKnown = false;
    const areAlike = !asking.some(({ isPaidFor }) => isPaidFor); // no quota keeps anything from those
    for (const [index, machine] of inOrder(asking, placement).entries()) {
      if (queue.isEmpty) return;
      const part = partOf(placement, waiting, of - index);
      const tasks = this.#answer(machine, { place: index + 1, of }, part);
      waiting -= tasks;
      // with thousands of machines and a quota used up, the others need not be asked
      if (tasks === 0 && !isKnown && areAlike && this.#isAllDenied()) return;
      isKnown = tasks === 0;
    }
  }

  /** Whether quotas keep all that waits from every machine. */
  #isAllDenied(): boolean {
    const { queue, quotas } = this.#board;
    if (quotas.limited === 0) return false;
    for (const step of queue.heads()) if (quotaSlots(step, true) > 0) return false;
    return true;
  }

  /** Gives how many tasks it was given. */
  #answer(machine: MachineState, { place, of } = alone, tasksMax = Infinity): number {
    if (!this.#board.isSure()) {
      this.#again();
      return 0;
    }
    const { session, leasesUntilMs } = machine;
    // a machine that is not heard is given nothing
    const isHeard = this.#board.clock.monotonicMs() < leasesUntilMs;
    const choice = { placement: this.#placement(), place, of, freeShare: freeShare(machine) };
    const tasks = isHeard ? serve(this.#board, machine, choice, tasksMax) : 0;
    if (!session || session.pullTasks === 0) this.#pulling.delete(machine);
    return tasks;
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
