import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Board } from "./board.ts";
import { regroupAll } from "./disband.ts";
import { loseLeases } from "./lost.ts";
import type { Lease, MachineState, StepState } from "./state.ts";

const tickMs = limits.leaseLookMs;

/** Ends the leases of machines that are not heard any more. */
export class Reaper {
  #board: Board;
  #log: Log;
  #timer: Timer | undefined;
  #tickedMs = 0;
  /** Leases that are over, and could not be recorded so. */
  #overdue = new Set<Lease>();
  /** Gangs that are to end, and could not be recorded so. */
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

  /** Too little of these gangs is under way. */
  regroup(steps: Iterable<StepState>): void {
    const open = [...steps].filter(({ isOpen }) => isOpen);
    if (open.length === 0) return;
    try {
      regroupAll(this.#board, open);
    } catch (thrown) {
      for (const step of open) this.#broken.add(step);
      this.#log.warn("gangs that are to run again could not be recorded so, and will be", {
        error: messageOf(thrown),
      });
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
      if (machine.leases.length > 0) this.#expire(machine);
      if (machine.leasesUntilMs === -Infinity && machine.leases.length === 0) {
        machines.delete(machine.name);
      }
    }
    this.#retryOverdue();
    if (this.#broken.size > 0) {
      const broken = [...this.#broken];
      this.#broken.clear();
      this.regroup(broken);
    }
    this.#arm();
  }

  #expire(machine: MachineState): void {
    this.#log.warn("a machine was not heard for too long; its tasks go to others", {
      machine: machine.name,
      tasks: machine.leases.length,
    });
    this.lose(machine, [...machine.leases]);
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
