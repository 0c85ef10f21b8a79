import { limits } from "#/base/limits.ts";
import type { Board } from "./board.ts";
import { Broken } from "./disband.ts";
import { lose } from "./ending.ts";
import type { Lease, MachineState } from "./state.ts";
import { Tally } from "./tally.ts";

/**
 * The machine does not run these any more: they are ready again, before all others. Those that may
 * have begun are charged with the loss; a machine that goes down must not spoil all that it had been
 * given ahead. Throws "no-space", with what is not yet recorded still leased.
 */
export function loseLeases(board: Board, machine: MachineState, leases: readonly Lease[]): void {
  const { space } = board;
  const current = leases.filter(({ isEnding }) => !isEnding);
  const begun = mayHaveBegun(machine, current);
  for (let at = 0; at < begun.length; at += limits.finishTasksMax) {
    const next = begun.slice(at, at + limits.finishTasksMax);
    // its gang may have ended with an earlier part
    const part = next.filter((lease) => board.isCurrent(lease));
    const { value: others } = board.commit((tx) => {
      const tally = new Tally();
      const broken = new Broken();
      for (const lease of part) {
        const { task } = lease;
        const step = space.get("step", lease.step.name);
        if (step) lose({ tx, tally, step, task, lease, now: board.clock.now() });
        broken.add(tx, lease);
      }
      const disbanded = broken.disband(board, tx, tally);
      tally.write(tx);
      return disbanded;
    });
    for (const lease of [...part, ...others]) board.revoke(lease);
  }
  const charged = new Set(begun);
  for (const lease of current) {
    if (charged.has(lease)) continue;
    board.revoke(lease);
    board.giveBack(lease);
  }
}

/** A machine begins tasks in the order in which it was given them: of the short ones, as many as fit on it at once. */
function mayHaveBegun(machine: MachineState, leases: readonly Lease[]): Lease[] {
  let cpus = machine.capacity.milliCpus / 1000;
  return leases.filter((lease) => {
    if (!lease.isShort || lease.beats > 0) return true;
    const isEarly = cpus > 0;
    cpus -= lease.cpus;
    return isEarly;
  });
}
