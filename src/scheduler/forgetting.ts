import { hasJobEnded } from "#/model/job.ts";
import type { Board } from "./board.ts";
import type { MachineState } from "./state.ts";

/** Tells agents of jobs that have ended: what they keep for those may go. */
export class Forgetting {
  #board: Board;
  /** Jobs from before this start: any machine may keep something of them. */
  #earlierJobs = new Set<string>();

  constructor(board: Board) {
    this.#board = board;
  }

  /** Jobs that run now are from before this start. */
  begin(): void {
    for (const job of this.#board.space.all("job"))
      if (!hasJobEnded(job)) this.#earlierJobs.add(job.name);
  }

  ended(job: string): void {
    this.#board.ranks.forget(job);
    const isEarlier = this.#earlierJobs.delete(job);
    for (const machine of this.#board.machines.values()) {
      const { session } = machine;
      if (session && (isEarlier || machine.jobs.has(job))) tellForget(machine, [job]);
    }
  }

  /** Some may have ended while the machine was away. */
  connected(machine: MachineState): void {
    const ended = [...machine.jobs].filter((name) => {
      const job = this.#board.space.get("job", name);
      return !job || hasJobEnded(job);
    });
    if (ended.length > 0) tellForget(machine, ended);
  }
}

function tellForget(machine: MachineState, jobs: string[]): void {
  const session = machine.session!;
  for (const job of jobs) {
    machine.jobs.delete(job);
    for (const step of session.steps) if (step.startsWith(`${job}/`)) session.steps.delete(step);
  }
  session.agent.forget(jobs);
}
