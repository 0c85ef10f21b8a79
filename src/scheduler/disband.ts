import { unfinishedTasks } from "#/model/step.ts";
import type { Transaction } from "#/space/space.ts";
import type { Board } from "./board.ts";
import { giveUpWith, regroup, type Ending } from "./ending.ts";
import type { Lease, StepState } from "./state.ts";
import { Tally } from "./tally.ts";

/** What has ended of one gang. */
interface Ended {
  readonly leases: Set<Lease>;
  /** The first of its tasks that was given up. */
  givenUp: string | undefined;
}

/** Members of gangs that ended otherwise than by success, in one commit. */
export class Broken {
  #gangs = new Map<StepState, Ended>();

  /** The record of its task has been staged already: when it is out of memory, it was given up. */
  add(tx: Transaction, lease: Lease): void {
    const { step, task } = lease;
    if (!step.gang) return;
    let ended = this.#gangs.get(step);
    if (!ended) this.#gangs.set(step, (ended = { leases: new Set(), givenUp: undefined }));
    ended.leases.add(lease);
    if (!tx.get("task", task.name)) ended.givenUp ??= task.name;
  }

  /**
   * Ends what is under way of those gangs, unless enough of it stays: it is ready again, or given up with
   * who was. Gives the leases that are over, for `board.revoke` once this is applied.
   */
  disband(board: Board, tx: Transaction, tally: Tally): Lease[] {
    const over: Lease[] = [];
    for (const [state, { leases: ended, givenUp }] of this.#gangs) {
      const step = board.space.get("step", state.name);
      if (!step) continue;
      const now = board.clock.now();
      const { minimum = Infinity, isWhole } = state.gang!;
      if (isWhole && givenUp !== undefined) {
        for (const lease of ended) {
          const task = tx.get("task", lease.task.name); // it was to be tried again
          if (task) giveUpWith({ tx, tally, step, task, lease, now }, givenUp);
        }
      }
      const left = [...state.leases.values()].filter(
        (lease) => !ended.has(lease) && !lease.isEnding, // what ends in this commit stays so
      );
      if (left.length === 0) continue;
      const { succeeded, failed } = tally.of(step.name);
      const unfinished = unfinishedTasks(step) - succeeded - failed;
      if (!isWhole && left.length >= Math.min(minimum, unfinished)) continue;
      for (const lease of left) {
        const { task } = lease;
        const ending: Ending = { tx, tally, step, task, lease, now };
        if (isWhole && givenUp !== undefined) giveUpWith(ending, givenUp);
        else regroup(ending);
        over.push(lease);
      }
    }
    return over;
  }
}

/** Ends members of gangs, with the others of their gangs when too few of those stay: they run again, and nothing is charged. Throws "no-space", having changed nothing. */
export function regroupMembers(board: Board, members: readonly Lease[]): void {
  const { value: others } = board.commit((tx) => {
    const tally = new Tally();
    const broken = new Broken();
    for (const lease of members) {
      const { task } = lease;
      const step = board.space.get("step", lease.step.name);
      if (step) regroup({ tx, tally, step, task, lease, now: board.clock.now() });
      broken.add(tx, lease);
    }
    const disbanded = broken.disband(board, tx, tally);
    tally.write(tx);
    return disbanded;
  });
  for (const lease of [...members, ...others]) board.revoke(lease);
}
