import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Board } from "./board.ts";
import { holdBesideTasks } from "./room.ts";

interface Hold {
  machine: string;
  milliCpus: number;
  memoryBytes: number;
}

/** What instances hold of their machines: tasks are given the rest. */
export class InstanceHolds {
  #board: Board;
  #holds = new Map<string, readonly Hold[]>();

  constructor(board: Board) {
    this.#board = board;
  }

  /** An instance has changed, or is gone. */
  follow(record: InstanceRecord, isGone: boolean): void {
    const before = this.#holds.get(record.name) ?? [];
    const now = isGone ? [] : holdsOf(record);
    if (before.map(({ machine }) => machine).join() === now.map(({ machine }) => machine).join())
      return;
    for (const hold of before) this.#give(hold, -1);
    for (const hold of now) this.#give(hold, 1);
    if (now.length > 0) this.#holds.set(record.name, now);
    else this.#holds.delete(record.name);
  }

  #give({ machine: name, milliCpus, memoryBytes }: Hold, sign: 1 | -1): void {
    const machine = this.#board.machines.get(name);
    if (!machine) return;
    holdBesideTasks(machine, { milliCpus, memoryBytes }, sign);
    if (sign < 0) this.#board.onDue(machine);
  }
}

/** One that is stopped holds nothing; one that is on its way out does until it is gone, and one that moves does on both machines. */
function holdsOf({ spec, status }: InstanceRecord): Hold[] {
  const { machine, move, state } = status;
  const type = instanceTypes.get(spec.type);
  if (machine === undefined || !type || state === "stopped" || state === "terminated") return [];
  const { milliCpus, memoryBytes } = type;
  const machines = move ? [machine, move.to] : [machine];
  return machines.map((name) => ({ machine: name, milliCpus, memoryBytes }));
}
