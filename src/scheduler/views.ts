import type { Clock } from "#/base/clock.ts";
import type { Board } from "./board.ts";
import type { LeaseView, MachineView, WaitingView } from "./session.ts";
import type { Lease, MachineState } from "./state.ts";

export function leaseViews({ machines, clock }: Board, job?: string): LeaseView[] {
  const views: LeaseView[] = [];
  for (const { leases } of machines.values())
    for (const lease of leases)
      if (job === undefined || lease.step.job === job) views.push(viewOf(clock, lease));
  return views;
}

export function viewOf(clock: Clock, lease: Lease): LeaseView {
  const { task, machine, fence, attempt, sinceMs, begunMs = sinceMs, isShort, beats } = lease;
  const nowMs = clock.monotonicMs();
  return {
    task: task.name,
    machine: machine.name,
    fence,
    since: Math.round(clock.now() - nowMs + sinceMs),
    attempt,
    isAhead: isShort && beats === 0,
    ranMs: Math.round(nowMs - begunMs),
    isSecond: lease.step.leases.get(lease.index) !== lease,
  };
}

export function waitingViews({ steps }: Board): WaitingView[] {
  const views: WaitingView[] = [];
  for (const step of steps.values()) {
    if (!step.isInLine) continue;
    const underWay = step.prepared ? step.prepared.ready.length + step.prepared.underWay : 0;
    const tasks = step.waiting + underWay;
    if (tasks > 0) views.push({ step: step.name, tasks });
  }
  return views;
}

export function machineView(machine: MachineState): MachineView {
  return {
    machine: machine.name,
    connected: machine.session !== undefined,
    lastSeenMs: machine.seenAt,
    load: machine.load,
    running: machine.leases.length,
    losses: machine.losses,
    free: freeOf(machine),
  };
}

function freeOf({ capacity, leases, besideTasks }: MachineState): MachineView["free"] {
  let milliCpus = capacity.milliCpus - besideTasks.milliCpus;
  let memoryBytes = capacity.memoryBytes - besideTasks.memoryBytes;
  for (const { step } of leases) {
    milliCpus -= step.class.milliCpus;
    memoryBytes -= step.class.memoryBytes;
  }
  return { milliCpus: Math.max(0, milliCpus), memoryBytes: Math.max(0, memoryBytes) };
}
