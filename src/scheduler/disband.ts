import { unfinishedTasks } from "#/model/step.ts";
import type { Transaction } from "#/space/space.ts";
import type { Board } from "./board.ts";
import { giveUpWith, regroup, type Ending } from "./ending.ts";
import type { Lease, StepState } from "./state.ts";
import { Tally } from "./tally.ts";

/** Members of gangs that ended otherwise than by success, in one commit. */
export class Broken {
  #ended = new Set<Lease>();
  #steps = new Map<StepState, { givenUp: string | undefined }>();

  /** The record of its task has been staged already: when it is out of memory, it was given up. */
  add(tx: Transaction, lease: Lease): void {
    const { step, task } = lease;
    if (!step.gang) return;
    this.#ended.add(lease);
    const before = this.#steps.get(step)?.givenUp;
    const givenUp = before ?? (tx.get("task", task.name) ? undefined : task.name);
    this.#steps.set(step, { givenUp });
  }

  /**
   * Ends what is under way of those gangs, unless enough of it stays: it is ready again, or given up with
   * who was. Gives the leases that are over, for `board.revoke` once this is applied.
   */
  disband(board: Board, tx: Transaction, tally: Tally): Lease[] {
    const over: Lease[] = [];
    for (const [state, { givenUp }] of this.#steps) {
      const step = board.space.get("step", state.name);
      const left = [...state.leases.values()].filter(
        (lease) => !this.#ended.has(lease) && !lease.isEnding, // what ends in this commit stays so
      );
      if (!step || left.length === 0) continue;
      const { succeeded, failed } = tally.of(step.name);
      const unfinished = unfinishedTasks(step) - succeeded - failed;
      const { minimum = Infinity, isWhole } = state.gang!;
      if (!isWhole && left.length >= Math.min(minimum, unfinished)) continue;
      for (const lease of left) {
        const { task } = lease;
        const ending: Ending = { tx, tally, step, task, lease, now: board.clock.now() };
        if (isWhole && givenUp !== undefined) giveUpWith(ending, givenUp);
        else regroup(ending);
        over.push(lease);
      }
    }
    return over;
  }
}

/** Ends all that is under way of gangs, as too little of each is. Nothing is charged. Throws "no-space", having changed nothing. */
export function regroupAll(board: Board, steps: Iterable<StepState>): void {
  const over: Lease[] = [];
  board.commit((tx) => {
    const tally = new Tally();
    for (const state of steps) {
      const step = board.space.get("step", state.name);
      if (!step) continue;
      for (const lease of state.leases.values()) {
        const { task } = lease;
        regroup({ tx, tally, step, task, lease, now: board.clock.now() });
        over.push(lease);
      }
    }
  });
  for (const lease of over) board.revoke(lease);
}
