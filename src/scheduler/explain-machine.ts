import { CanopyError } from "#/base/errors.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { formatCount, formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { quotaReasons } from "./explain-quota.ts";
import { isAlike } from "./quota.ts";
import { lacks } from "./fit.ts";
import { waitsForHomes } from "./homes.ts";
import { awaitedBy, keptFreeFor, outlastsGangs, roomFor } from "./room.ts";
import type { MachineState, StepState } from "./state.ts";

/** Whether what a project runs is named to whoever asks. */
type IsTold = (project: string) => boolean;

/**
 * Every reason why a machine takes no task of that step now; none when it would. What other projects run is not named,
 * unless `isTold`.
 */
export function machineReasons(
  board: Board,
  machine: MachineState,
  step: StepState,
  isTold: IsTold = (project) => project === step.share.project,
): Explanation[] {
  const { name } = machine;
  const reasons: Explanation[] = lacks(machine.record, step.class).map(({ sentence, flip }) => ({
    machine: name,
    sentence: `${name} ${sentence}`,
    flip,
    advice: "ask for less, or add a machine that has it: canopy join",
  }));
  if (machine.record.spec.cordoned) reasons.push(cordoned(machine));
  const { reservedFor, reservedForProject: payer } = machine.record.spec;
  if (payer !== undefined && payer !== step.share.project) {
    reasons.push({
      machine: name,
      sentence: `${name} was bought by the project '${payer}', and runs nothing of others`,
      flip: `a task of the project '${payer}'`,
      advice: "let this project buy its own: canopy policy set, with a fleet; or: canopy join",
    });
  }
  if (reservedFor !== undefined && reservedFor !== step.job) {
    const isNamed = isTold(board.space.get("job", reservedFor)?.project ?? "");
    const job = isNamed ? reservedFor : "that job";
    reasons.push({
      machine: name,
      sentence: `${name} was bought for ${isNamed ? `the job ${job}` : "a job of another project"}, and runs nothing else`,
      flip: `a task of ${job}`,
      advice: "wait until that has ended, or add a machine: canopy join",
    });
  }
  const { standing } = machine.record.spec;
  if (standing?.phase === "slowed" && (machine.leases.length > 0 || step.gang))
    reasons.push({
      machine: name,
      sentence: `${name} is on trial, as ${standing.reason}: it takes one task at a time`,
      flip: "trusted again",
      advice: `canopy why ${name}, or trust it again: canopy machines uncordon ${name}`,
    });
  const absence = absenceOf(board, machine);
  if (absence) reasons.push(absence);
  if (reasons.length === 0) reasons.push(...roomReasons(board, machine, step, isTold));
  return reasons;
}

function cordoned({ name, record }: MachineState): Explanation {
  const { standing } = record.spec;
  if (standing?.phase === "isolated")
    return {
      machine: name,
      sentence: `${name} is isolated, as ${standing.reason}: it takes no new tasks until it is tried again`,
      flip: "uncordoned",
      advice: `canopy why ${name}, or trust it again: canopy machines uncordon ${name}`,
    };
  return {
    machine: name,
    sentence: `${name} is cordoned: it takes no new tasks`,
    flip: "uncordoned",
    advice: `canopy machines uncordon ${name}`,
  };
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
  const flip = "its agent connected, and heard within its lease";
  return {
    machine: name,
    sentence,
    flip,
    advice: `on ${name}, see that its agent runs: canopy agent`,
  };
}

function roomReasons(
  board: Board,
  machine: MachineState,
  step: StepState,
  isTold: IsTold,
): Explanation[] {
  const { name, capacity } = machine;
  const nowMs = board.clock.monotonicMs();
  if (waitsForHomes(board, step, machine, nowMs)) {
    const { ready } = step.prepared!;
    const { machine: home, bytes } = ready.awaited!;
    const leftMs = Math.max(0, ready.untilMs - nowMs);
    return [
      {
        machine: name,
        sentence: `${name} lacks the input of ${briefSize(bytes)} that is on ${home}: that one is waited for, for ${briefDuration(leftMs)} at most`,
        flip: `the input on ${name}, or ${briefDuration(leftMs)} passed`,
      },
    ];
  }
  const awaited = awaitedBy(machine);
  const [gang] = awaited ? [awaited] : machine.keptForGangs.keys();
  if (gang && gang !== step && (awaited || outlastsGangs(machine, step, nowMs))) {
    const isNamed = isTold(gang.share.project);
    const who = isNamed ? gang.name : "a gang of another project";
    return [
      {
        machine: name,
        sentence: `${name} has room that is kept for ${who}, whose tasks begin at once`,
        flip: `a task that is over before they begin, or ${isNamed ? who : "that gang"} begun`,
        ...(isNamed && { advice: `canopy why ${gang.job}` }),
      },
    ];
  }
  if (roomFor(machine, step, nowMs) > 0) {
    if (machine.session!.pullTasks > 0) return [];
    return [{ machine: name, sentence: `${name} has room, and has not asked for more work yet` }];
  }
  const kept = keptFreeFor(machine, nowMs);
  if (kept && !isAlike(kept, step)) {
    const whose = isTold(kept.share.project) ? kept.name : "another project";
    return [
      {
        machine: name,
        sentence: `${name} is kept free for a larger task of ${whose} that smaller ones had been passing by`,
      },
    ];
  }
  const { milliCpus, memoryBytes } = step.class;
  const freeMilliCpus = Math.max(0, capacity.milliCpus - machine.heldMilliCpus);
  const freeBytes = Math.max(0, capacity.memoryBytes - machine.heldMemoryBytes);
  const isAnyFree =
    (milliCpus <= freeMilliCpus || freeMilliCpus > 0) &&
    (memoryBytes <= freeBytes || freeBytes > 0);
  const running = formatCount(machine.leases.length, "task");
  const short: string[] = [];
  const missing: string[] = [];
  const less: string[] = [];
  if (milliCpus > freeMilliCpus) {
    missing.push(formatCpus(milliCpus - freeMilliCpus));
    less.push(formatCpus(freeMilliCpus));
    short.push(
      `${freeMilliCpus / 1000} of ${formatCpus(capacity.milliCpus)} free and the task needs ${formatCpus(milliCpus)}`,
    );
  }
  if (memoryBytes > freeBytes) {
    missing.push(`${memoryBytes - freeBytes} bytes of memory`);
    less.push(`${freeBytes} bytes of memory`);
    short.push(
      `${briefSize(freeBytes)} of ${briefSize(capacity.memoryBytes)} of memory free and the task needs ${briefSize(memoryBytes)}`,
    );
  }
  const sentence =
    short.length > 0
      ? `${name} has ${short.join(", and ")}: it runs ${running}`
      : `${name} has as much work as it should have ahead: ${running}`;
  const orLess = isAnyFree ? `, or tasks that ask for ${less.join(" and ")} or less` : "";
  const flip =
    missing.length > 0
      ? `${missing.join(" and ")} more free there${orLess}`
      : "one of its tasks ended";
  return [{ machine: name, sentence, flip, advice: "wait, or add a machine: canopy join" }];
}

/** Steps with waiting tasks of which a machine's reasons are told. */
const stepsMax = 5;

/** What a machine does, and why it does no more: for each step with tasks that wait, why not this one. */
export function explainMachine(
  board: Board,
  name: string,
  isTold: IsTold = () => true,
): Explanation[] {
  const machine = board.machines.get(name);
  if (!machine) return [];
  const told = [...machine.leases].filter(({ step }) => isTold(step.share.project));
  const under = Map.groupBy(told, ({ step }) => step.name);
  const found: Explanation[] = [...under].map(([step, leases]) => ({
    subject: step,
    machine: name,
    sentence: `${formatCount(leases.length, "task")} under way on ${name}`,
  }));
  const others = machine.leases.length - told.length;
  if (others > 0)
    found.push({
      machine: name,
      sentence: `${formatCount(others, "task")} of other projects under way on ${name}`,
    });
  const all = [...board.steps.values()].filter(({ available }) => available > 0);
  const waiting = all.filter(({ share }) => isTold(share.project));
  const own = machine.record.spec.cordoned ? [cordoned(machine)] : [];
  const absence = absenceOf(board, machine);
  found.push(...own, ...(absence ? [absence] : []));
  if (waiting.length < all.length)
    found.push({
      sentence: `tasks of ${formatCount(all.length - waiting.length, "step")} of other projects wait`,
    });
  if (all.length > 0 && waiting.length === 0) return found;
  if (waiting.length === 0)
    return [
      ...found,
      {
        machine: name,
        sentence: `${found.length > 0 ? "beside that nothing" : "it is idle: nothing"} waits for a machine`,
        flip: "one task that fits it and waits",
      },
    ];
  for (const step of waiting.slice(0, stepsMax)) {
    const reasons = machineReasons(board, machine, step, isTold).filter(
      (one) => !found.some(({ sentence }) => sentence === one.sentence),
    );
    found.push(...reasons.map((one) => ({ ...one, subject: step.name })));
    if (reasons.length === 0 && found.length === 0)
      found.push({
        subject: step.name,
        machine: name,
        sentence: `${name} would take its tasks, and is about to be handed some, or who comes first is served first`,
      });
  }
  if (waiting.length > stepsMax)
    found.push({
      sentence: `tasks of ${formatCount(waiting.length - stepsMax, "more step")} wait as well`,
    });
  return found;
}

/** Why no more tasks of a job are on one machine: for each of its steps that have waiting tasks, and those under way there. */
export function explainJobNot(board: Board, job: string, name: string): Explanation[] {
  const machine = board.machines.get(name);
  if (!machine)
    throw new CanopyError(
      "not-found",
      `Cannot explain machine ${name} as none of that name has joined`,
      { hint: "See them all: canopy machines" },
    );
  const found: Explanation[] = [];
  for (const step of board.steps.values()) {
    if (step.job !== job) continue;
    const here = [...machine.leases].filter((lease) => lease.step === step).length;
    if (here > 0)
      found.push({
        subject: step.name,
        machine: name,
        sentence: `${formatCount(here, "task")} of it under way on ${name}`,
      });
    if (step.available === 0) continue;
    const reasons = [...quotaReasons(board, step), ...machineReasons(board, machine, step)];
    found.push(...reasons.map((one) => ({ subject: step.name, ...one })));
    if (reasons.length === 0)
      found.push({
        subject: step.name,
        machine: name,
        sentence: `nothing keeps its tasks from ${name}: who comes first is served first`,
      });
  }
  if (found.length === 0)
    found.push({ machine: name, sentence: `no task of it waits, so none is missing on ${name}` });
  return found;
}
