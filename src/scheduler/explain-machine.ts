import { briefDuration, briefSize } from "#/model/units.ts";
import { formatCount, formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { lacks } from "./fit.ts";
import { keptFreeFor, roomFor } from "./room.ts";
import type { MachineState, StepState } from "./state.ts";

/** Every reason why a machine takes no task of that step now; none when it would. */
export function machineReasons(
  board: Board,
  machine: MachineState,
  step: StepState,
): Explanation[] {
  const { name } = machine;
  const reasons: Explanation[] = lacks(machine.record, step.class).map((lack) => ({
    machine: name,
    sentence: `${name} ${lack}`,
    advice: "ask for less, or add a machine that has it: canopy join",
  }));
  if (machine.record.spec.cordoned) {
    reasons.push({
      machine: name,
      sentence: `${name} is cordoned: it takes no new tasks`,
      advice: `canopy machines uncordon ${name}`,
    });
  }
  const { reservedFor, reservedForProject: payer } = machine.record.spec;
  if (payer !== undefined && payer !== step.share.project) {
    reasons.push({
      machine: name,
      sentence: `${name} was bought by the project '${payer}', and runs nothing of others`,
      advice: "let this project buy its own: canopy policy set, with a fleet; or: canopy join",
    });
  }
  if (reservedFor !== undefined && reservedFor !== step.job) {
    reasons.push({
      machine: name,
      sentence: `${name} was bought for the job ${reservedFor}, and runs nothing else`,
      advice: "wait until that has ended, or add a machine: canopy join",
    });
  }
  const absence = absenceOf(board, machine);
  if (absence) reasons.push(absence);
  if (reasons.length === 0) reasons.push(...roomReasons(board, machine, step));
  return reasons;
}

function absenceOf({ clock }: Board, machine: MachineState): Explanation | undefined {
  const { name, seenAt } = machine;
  const since = seenAt === undefined ? undefined : briefDuration(Math.max(0, clock.now() - seenAt));
  const isHeard = clock.monotonicMs() < machine.leasesUntilMs;
  if (machine.session && isHeard) return undefined;
  const sentence = machine.session
    ? `${name} has not been heard for ${since}`
    : since === undefined
      ? `${name} has not connected since this cloud started`
      : `${name} is not connected; it was last heard ${since} ago`;
  return { machine: name, sentence, advice: `on ${name}, see that its agent runs: canopy agent` };
}

function roomReasons(board: Board, machine: MachineState, step: StepState): Explanation[] {
  const { name, capacity } = machine;
  const nowMs = board.clock.monotonicMs();
  if (roomFor(machine, step, nowMs) > 0) {
    if (machine.session!.pullTasks > 0) return [];
    return [{ machine: name, sentence: `${name} has room, and has not asked for more work yet` }];
  }
  const kept = keptFreeFor(machine, nowMs);
  if (kept && kept !== step) {
    return [
      {
        machine: name,
        sentence: `${name} is kept free for a larger task of ${kept.name} that smaller ones had been passing by`,
      },
    ];
  }
  const { milliCpus, memoryBytes } = step.class;
  const freeMilliCpus = Math.max(0, capacity.milliCpus - machine.heldMilliCpus);
  const freeBytes = Math.max(0, capacity.memoryBytes - machine.heldMemoryBytes);
  const running = formatCount(machine.leases.length, "task");
  const short: string[] = [];
  if (milliCpus > freeMilliCpus) {
    short.push(
      `${freeMilliCpus / 1000} of ${formatCpus(capacity.milliCpus)} free and the task needs ${formatCpus(milliCpus)}`,
    );
  }
  if (memoryBytes > freeBytes) {
    short.push(
      `${briefSize(freeBytes)} of ${briefSize(capacity.memoryBytes)} of memory free and the task needs ${briefSize(memoryBytes)}`,
    );
  }
  const sentence =
    short.length > 0
      ? `${name} has ${short.join(", and ")}: it runs ${running}`
      : `${name} has as much work as it should have ahead: ${running}`;
  return [{ machine: name, sentence, advice: "wait, or add a machine: canopy join" }];
}
