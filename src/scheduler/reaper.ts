import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Board } from "./board.ts";
import { regroupMembers } from "./disband.ts";
import { isBroken } from "./gang.ts";
import { loseLeases } from "./lost.ts";
import { stopMisplaced } from "./preempt.ts";
import type { Lease, MachineState, StepState } from "./state.ts";

const tickMs = limits.leaseLookMs;

/** Ends the leases of machines that are not heard any more, and whatever else could not be ended while the disk was full. */
export class Reaper {
  #board: Board;
  #log: Log;
  #timer: Timer | undefined;
  #tickedMs = 0;
  /** Steps with tasks that may not be where they are, and could not be stopped yet. */
  #misplaced = new Set<StepState>();
  /** Leases that are over, and could not be recorded so. */
  #overdue = new Set<Lease>();
  /** Members of gangs that were given back, and could not be recorded so. */
  #released = new Set<Lease>();
  /** Gangs of which too little is under way, and that could not be recorded so. */
  #broken = new Set<StepState>();

  constructor(board: Board, log: Log) {
    this.#board = board;
    this.#log = log;
  }

  start(): void {
    this.#tickedMs = this.#board.clock.monotonicMs();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The machine does not hold these any more. */
  lose(machine: MachineState, leases: readonly Lease[]): void {
    if (leases.length === 0) return;
    machine.losses++;
    try {
      loseLeases(this.#board, machine, leases);
    } catch (thrown) {
      const current = leases.filter((lease) => this.#board.isCurrent(lease));
      for (const lease of current) this.#overdue.add(lease);
      this.#log.warn("lost tasks could not be recorded, and will be", {
        machine: machine.name,
        tasks: current.length,
        error: messageOf(thrown),
      });
    }
  }

  /** Ends these members of gangs: they run again. */
  regroup(members: readonly Lease[]): void {
    if (!this.#mayRegroup(members)) for (const lease of members) this.#released.add(lease);
  }

  /** Ends all that is under way of these gangs, as it is too little. */
  disband(gangs: readonly StepState[]): void {
    const members = gangs.flatMap((step) => [...step.leases.values()]);
    if (!this.#mayRegroup(members)) for (const step of gangs) this.#broken.add(step);
  }

  /** Ends tasks of a step that may not be where they are. */
  stopMisplaced(step: StepState): void {
    if (!step.isOpen || stopMisplaced(this.#board, step)) this.#misplaced.delete(step);
    else this.#misplaced.add(step);
  }

  #mayRegroup(members: readonly Lease[]): boolean {
    if (members.length === 0) return true;
    try {
      regroupMembers(this.#board, members);
      return true;
    } catch (thrown) {
      this.#log.warn("tasks of gangs that are to run again could not be recorded so, and will be", {
        tasks: members.length,
        error: messageOf(thrown),
      });
      return false;
    }
  }

  #arm(): void {
    this.#timer = this.#board.clock.after(tickMs, () => this.#tick(), true);
  }

  #tick(): void {
    const { machines, clock } = this.#board;
    const nowMs = clock.monotonicMs();
    // while this process did not run (a laptop that slept, a long turn), nobody could be heard
    const stoodStillMs = nowMs - this.#tickedMs - 2 * tickMs;
    this.#tickedMs = nowMs;
    for (const machine of machines.values()) {
      if (stoodStillMs > 0) machine.leasesUntilMs += stoodStillMs;
      if (machine.leasesUntilMs > nowMs) continue;
      if (machine.session) this.#board.openings++;
      if (machine.leases.length > 0) this.#expire(machine);
      if (machine.leasesUntilMs === -Infinity && machine.leases.length === 0) {
        this.#board.removeMachine(machine);
      }
    }
    this.#retryOverdue();
    this.#retryGangs();
    for (const step of this.#misplaced) this.stopMisplaced(step);
    this.#arm();
  }

  #expire(machine: MachineState): void {
    this.#log.warn("a machine was not heard for too long; its tasks go to others", {
      machine: machine.name,
      tasks: machine.leases.length,
    });
    this.lose(machine, [...machine.leases]);
  }

  #retryGangs(): void {
    const released = [...this.#released].filter((lease) => this.#board.isCurrent(lease));
    const broken = [...this.#broken].filter((step) => isBroken(this.#board.space, step));
    this.#released.clear();
    this.#broken.clear();
    this.regroup(released);
    this.disband(broken); // others may have come back since
  }

  #retryOverdue(): void {
    if (this.#overdue.size === 0) return;
    const byMachine = Map.groupBy(
      [...this.#overdue].filter((lease) => this.#board.isCurrent(lease)),
      ({ machine }) => machine,
    );
    this.#overdue.clear();
    for (const [machine, leases] of byMachine) this.lose(machine, leases);
  }
}
