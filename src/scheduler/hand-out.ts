import { limits } from "#/base/limits.ts";
import { withoutInputs, type StepRecord } from "#/model/step.ts";
import { attemptOf, taskName } from "#/model/task.ts";
import type { GangOffer, StepBrief, TaskOffer } from "#/model/wire.ts";
import type { Board } from "./board.ts";
import { gangOffer } from "./gang.ts";
import { nextPrepared } from "./homes.ts";
import type { Choice } from "./placement.ts";
import type { Home } from "./ready.ts";
import type { Lease, MachineState, SessionState, StepState } from "./state.ts";

/** What one pull is answered with. */
export interface Handful {
  readonly choice: Choice;
  /** About what it comes to in a message: inputs, files and segments of its tasks, and what is told of their steps. */
  bytes: number;
  readonly steps: Record<string, StepBrief>;
  readonly tasks: TaskOffer[];
}

/** Leases the next tasks of a step to a machine, at most so many, and puts them into what it is told. */
export function handOut(
  board: Board,
  machine: MachineState,
  session: SessionState,
  handful: Handful,
  step: StepState,
  max: number,
  nowMs: number,
): void {
  const record = board.space.get("step", step.name);
  if (record?.status.phase !== "running") return board.dropStep(step); // its end is not on disk yet
  const { prepared } = step;
  const lease = leaser(board, machine, handful, step, nowMs);
  const gang = step.gang && gangOffer(step, record.status.offered);
  let tasks = 0;
  while (tasks < max && handful.bytes < limits.offerBytesMax) {
    const next = prepared && nextPrepared(board, step, machine, nowMs);
    const index = prepared ? next?.index : step.shift();
    if (index === undefined) break;
    if (lease(index, gang, next?.home)) tasks++;
  }
  if (tasks > 0) {
    if (gang) gang.hosts = gangOffer(step, record.status.offered).hosts; // with those that have just joined
    board.served(step, machine);
    brief(session, machine, handful, step, record);
  }
  if (step.available === 0 || step.prepared) board.refresh(step);
}

/** Members of a gang that go to one machine. */
export interface GangPart {
  readonly machine: MachineState;
  readonly indexes: readonly number[];
}

/** Leases the members of a gang to their machines, all of them in this moment, and tells those. */
export function handOutGang(
  board: Board,
  step: StepState,
  record: StepRecord,
  parts: readonly GangPart[],
  choiceOf: (machine: MachineState) => Choice,
): void {
  const nowMs = board.clock.monotonicMs();
  const machineOf = new Map(
    parts.flatMap(({ machine, indexes }) => indexes.map((index) => [index, machine] as const)),
  );
  const gang = gangOffer(step, record.status.offered, (index) => machineOf.get(index));
  for (const { machine, indexes } of parts) {
    const session = machine.session!;
    const empty = (): Handful => ({ choice: choiceOf(machine), bytes: 0, steps: {}, tasks: [] });
    let handful = empty();
    for (const index of indexes) {
      leaser(board, machine, handful, step, nowMs)(index, gang);
      if (handful.tasks.length === 1) brief(session, machine, handful, step, record);
      if (handful.bytes < limits.offerBytesMax) continue;
      session.agent.offer(handful.steps, handful.tasks);
      handful = empty();
    }
    session.pullTasks = 0;
    if (handful.tasks.length > 0) session.agent.offer(handful.steps, handful.tasks);
    board.served(step, machine);
  }
  board.refresh(step);
}

/** Leases one task after the other. False for one that ended meanwhile, or was put back twice. */
function leaser(
  board: Board,
  machine: MachineState,
  handful: Handful,
  step: StepState,
  nowMs: number,
): (index: number, gang: GangOffer | undefined, home?: Home) => boolean {
  const cpus = machine.cpusOf(step);
  const { isShort, prepared, leases } = step;
  return (index, gang, home) => {
    const task = board.space.get("task", taskName(step.name, index));
    if (!task || leases.has(index)) {
      forgetPrepared(step, index);
      return false;
    }
    const lease = board.grant(step, index, task, machine, {
      attempt: attemptOf(task.status),
      cpus,
      isShort,
      sinceMs: nowMs,
      memoKey: prepared?.memoKeys.get(index),
      files: prepared?.files.get(index),
      choice: handful.choice,
      home,
    });
    const offer = offerOf(board, lease);
    if (gang) offer.gang = gang;
    forgetPrepared(step, index);
    handful.tasks.push(offer);
    handful.bytes += bytesOf(offer);
    return true;
  };
}

/** What a machine is told of a task that it has been leased, but for the gang that it may be in. */
export function offerOf({ space }: Board, lease: Lease): TaskOffer {
  const { step, index, task, fence, attempt, files } = lease;
  const offer: TaskOffer = { task: task.name, fence, input: task.spec.input, attempt };
  if (task.spec.inputBlob !== undefined) offer.inputBlob = task.spec.inputBlob;
  if (step.segments)
    offer.segments = step.segments.sources(index, (of) => space.get("machine", of));
  if (files) offer.files = files;
  return offer;
}

function bytesOf({ input, files, segments, gang }: TaskOffer): number {
  let bytes = Buffer.byteLength(input);
  if (files) bytes += textBytes(files);
  if (gang) bytes += textBytes(gang);
  for (const source of segments ?? [])
    for (const segment of source.segments) bytes += segment.length;
  return bytes;
}

const textBytes = (value: object) => Buffer.byteLength(JSON.stringify(value));

/** What was looked up for a task that does not wait any more. */
export function forgetPrepared({ prepared }: StepState, index: number): void {
  prepared?.files.delete(index);
  prepared?.memoKeys.delete(index);
}

/** Tells a session of a step the first time it has to do with it. */
export function brief(
  session: SessionState,
  machine: MachineState,
  handful: Pick<Handful, "steps" | "bytes">,
  step: StepState,
  { spec, project }: StepRecord,
): void {
  if (session.steps.has(step.name)) return;
  session.steps.add(step.name);
  machine.jobs.add(step.job);
  const { run } = spec.template;
  const isJob = run.driver === "runner" && run.role === "job";
  const told: StepBrief = {
    spec: withoutInputs(spec), // each offer has its own
    project,
    ...(isJob && { jobKey: session.jobKeyOf(step.job) }),
  };
  handful.steps[step.name] = told;
  handful.bytes += textBytes(told);
}
