import { limits } from "#/base/limits.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { unfinishedTasks, type GangSpec } from "#/model/step.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { GangOffer, TaskReport } from "#/model/wire.ts";
import type { Space } from "#/space/space.ts";
import type { Lease, MachineState, StepState } from "./state.ts";

/**
 * Tasks of one step that run all at once or not at all: those of a program whose parts talk to each
 * other. So many as are its quorum are handed out in one moment (gangs.ts), and when one of them ends
 * otherwise than by success and the others are too few, those are ended too, and all run again
 * (disband.ts).
 *
 * Of a gang without a minimum, the quorum is all of its tasks, and they also succeed together: who has
 * finished waits for the others, with its report in memory and its agent not yet told that it is kept.
 * Else a part of a gang could have ended for good while the rest of it runs again without it.
 */
export class Gang {
  readonly minimum: number | undefined;
  /** What has succeeded and waits for the others, by index. */
  readonly finished = new Map<number, FinishedTask>();
  /** Since when it was its turn, and it did not fit; 0 when it was not. Monotonic. */
  passedSinceMs = 0;
  /** Set while places are kept for it as they become free. */
  kept: KeptForGang | undefined;

  constructor({ minimum }: GangSpec) {
    this.minimum = minimum;
  }

  /** All of its tasks run, or none. */
  get isWhole(): boolean {
    return this.minimum === undefined;
  }
}

/** A member that has succeeded. */
export interface FinishedTask {
  readonly lease: Lease;
  readonly report: TaskReport;
  readonly usage: TaskUsage;
  /** Its gang is over, one way or the other: on disk. */
  readonly over: PromiseWithResolvers<void>;
}

/** Places on machines that others leave to a gang. */
export interface KeptForGang {
  /** Its place among gangs for which places are kept. */
  sinceMs: number;
  /** When it was expected to begin, the first time that this was worked out; Infinity when nobody knows. Tasks that end by then may use its places. */
  readonly promisedMs: number;
  /** When it is expected to begin, as it looks now. */
  expectedMs: number;
  /** Since when all that it needs is free, and it waits for machines to ask for work, which are given nothing else; 0 when it is not. */
  completeSinceMs: number;
  readonly machines: Map<MachineState, number>;
}

/** Tasks of the gang that have to run at once for any of them to run; Infinity while more of them may be made. */
export function quorumOf(space: Pick<Space, "get">, step: StepState): number {
  const record = space.get("step", step.name);
  if (!record?.status.closed) return Infinity;
  return Math.min(step.gang!.minimum ?? Infinity, unfinishedTasks(record));
}

/** Whether what waits of the gang may join those under way: of one that is no whole, also when some have succeeded since. */
export function isStanding(space: Pick<Space, "get">, step: StepState): boolean {
  return step.leases.size > 0 && (!step.gang!.isWhole || hasQuorum(space, step));
}

/** Whether all that has to begin at once could, for all that is known of tasks; or may join those that have. Keeps how many that are. */
export function gather(space: Pick<Space, "get">, step: StepState): boolean {
  if (step.leases.size > 0) {
    step.atOnce = 1;
    return isStanding(space, step);
  }
  const quorum = quorumOf(space, step);
  step.atOnce = Number.isFinite(quorum) ? quorum : 1;
  return step.available >= quorum;
}

/** Whether enough of the gang are under way. */
function hasQuorum(space: Pick<Space, "get">, step: StepState): boolean {
  return step.leases.size >= quorumOf(space, step);
}

/** Whether some of the gang are under way, and too few. */
export function isBroken(space: Pick<Space, "get">, step: StepState): boolean {
  return step.gang !== undefined && step.leases.size > 0 && !hasQuorum(space, step);
}

/** What has to make room with a task: all of its gang. */
export function wholeOf(lease: Lease): Lease[] {
  return lease.step.gang ? [...lease.step.leases.values()] : [lease];
}

/** Whether it has succeeded, and waits for the others of its gang. */
export function hasFinished({ step, index, fence }: Lease): boolean {
  return step.gang?.finished.get(index)?.lease.fence === fence;
}

/** The attempt is over: had it succeeded and waited for its gang, its agent need not keep it longer. */
export function ungather(lease: Lease): void {
  const { finished } = lease.step.gang!;
  const own = finished.get(lease.index);
  if (own?.lease !== lease) return;
  finished.delete(lease.index);
  own.over.resolve();
}

/** Nothing is kept for it any more. */
export function leaveAll(step: StepState): void {
  const { kept } = step.gang!;
  if (!kept) return;
  step.gang!.kept = undefined;
  for (const machine of kept.machines.keys()) machine.keptForGangs.delete(step);
}

/** Those under way and who is about to be, for each to know the others. `coming` tells the machine of an index. */
export function gangOffer(
  step: StepState,
  tasks: number,
  coming: (index: number) => MachineState | undefined = () => undefined,
): GangOffer {
  const hosts: GangOffer["hosts"] = [];
  for (let index = 0; index < tasks; index++) {
    const machine = step.leases.get(index)?.machine ?? coming(index);
    const host = machine ? hostOf(machine.record) : "";
    const last = hosts.at(-1);
    if (last?.[0] === host) last[1]++;
    else hosts.push([host, 1]);
  }
  return { hosts, port: portOf(step.name) };
}

/** Where others reach a machine: by the address that it told for the shuffle, else by its name. */
function hostOf({ status }: MachineRecord): string {
  return status.peerUrl === undefined ? status.hostname : new URL(status.peerUrl).hostname;
}

/** The same for all members, whenever they are handed out, and most likely another one for every gang. FNV-1a. */
function portOf(step: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < step.length; at++)
    hash = Math.imul(hash ^ step.charCodeAt(at), 0x01000193) >>> 0;
  const { gangPortMin, gangPortMax, gangTasksMax } = limits;
  return gangPortMin + (hash % (gangPortMax - gangTasksMax - gangPortMin));
}
