import { limits } from "#/base/limits.ts";
import { withoutInputs, type StepRecord } from "#/model/step.ts";
import { taskName } from "#/model/task.ts";
import type { StepBrief, TaskOffer } from "#/model/wire.ts";
import type { Board } from "./board.ts";
import type { RankedShare, Turn } from "./queue.ts";
import { fitsMachine } from "./fit.ts";
import type { Choice } from "./placement.ts";
import { quotaSlots } from "./quota.ts";
import { keepFree, roomFor } from "./room.ts";
import type { Lease, MachineState, SessionState, StepState } from "./state.ts";
import type { TaskClass } from "./task-class.ts";

/** Short tasks of one job that are handed out before it is the next one's turn. */
const runTasksMax = 16;

/** What one pull is answered with. */
interface Handful {
  readonly choice: Choice;
  /** About what it comes to in a message: inputs, files and segments of its tasks, and what is told of their steps. */
  bytes: number;
  readonly steps: Record<string, StepBrief>;
  readonly tasks: TaskOffer[];
}

/**
 * Answers the open pull of a machine with what it has room for, at most so many tasks. Says nothing
 * when there is nothing. Gives how many there were.
 */
export function serve(
  board: Board,
  machine: MachineState,
  choice: Choice,
  tasksMax = Infinity,
): number {
  const { session } = machine;
  if (!session || session.pullTasks === 0 || board.queue.isEmpty || machine.record.spec.cordoned)
    return 0;
  const max = Math.min(session.pullTasks, limits.pullTasksMax, tasksMax);
  const handful: Handful = { choice, bytes: 0, steps: {}, tasks: [] };
  gather(board, machine, session, handful, max);
  if (handful.tasks.length === 0) return 0;
  session.pullTasks = 0;
  session.agent.offer(handful.steps, handful.tasks);
  return handful.tasks.length;
}

function gather(
  board: Board,
  machine: MachineState,
  session: SessionState,
  handful: Handful,
  max: number,
): void {
  const isFull = () => handful.tasks.length >= max || handful.bytes >= limits.offerBytesMax;
  serveShares(board, machine, session, handful, max, false);
  // what projects borrow comes after what all are entitled to
  if (board.quotas.limited > 0 && !isFull())
    serveShares(board, machine, session, handful, max, true);
}

function serveShares(
  board: Board,
  machine: MachineState,
  session: SessionState,
  handful: Handful,
  max: number,
  mayBorrow: boolean,
): void {
  const nowMs = board.clock.monotonicMs();
  const { reservedFor, reservedForProject: payer } = machine.record.spec;
  const shares = board.queue
    .shares(nowMs)
    .filter(({ share }) => payer === undefined || share.project === payer)
    .filter(({ share }) => !mayBorrow || board.quotas.account(share.project).cohort);
  const fits = (taskClass: TaskClass) => fitsMachine(machine, taskClass);
  const room = (step: StepState) => {
    if (!step.account.isLimited) return roomFor(machine, step, nowMs);
    const slots = quotaSlots(step, mayBorrow);
    if (slots > 0) return Math.min(slots, roomFor(machine, step, nowMs));
    if (mayBorrow || !step.account.cohort) step.account.isDenying = true;
    return undefined;
  };
  let passed: StepState | undefined;
  const onPassed = (step: StepState) => void (passed ??= step);
  while (handful.tasks.length < max && handful.bytes < limits.offerBytesMax && shares.length > 0) {
    const { share } = shares[0]!;
    const turn = board.queue.next(share, fits, room, onPassed, reservedFor);
    if (!turn) {
      shares.shift();
      continue;
    }
    const { step } = turn;
    const isLasting = !step.isShort;
    if (passed && passed !== step && isLasting && keepFree(machine, passed, nowMs)) {
      lookWhenNoLongerKept(board, machine, nowMs);
      continue;
    }
    const tasks = Math.min(turn.tasks, max - handful.tasks.length, runOf(turn, isLasting));
    turn.take();
    handOut(board, machine, session, handful, step, tasks, nowMs);
    rerank(board, shares, nowMs);
  }
}

function lookWhenNoLongerKept(board: Board, machine: MachineState, nowMs: number): void {
  const { untilMs } = machine.keptFree!;
  board.clock.after(untilMs - nowMs, () => board.onDue(machine), !board.isSimulated);
}

function runOf({ isAlone }: Turn, isLasting: boolean): number {
  if (isAlone) return Infinity;
  return isLasting ? 1 : runTasksMax;
}

/** The first share has been served: it moves to its new place. */
function rerank(board: Board, shares: RankedShare[], nowMs: number): void {
  const first = shares[0]!;
  first.rank = board.fairness.rank(first.share, nowMs);
  let at = 0;
  for (; at + 1 < shares.length && shares[at + 1]!.rank < first.rank; at++) {
    shares[at] = shares[at + 1]!;
  }
  shares[at] = first;
}

function handOut(
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
  const cpus = board.cpusOf(step, machine);
  const { isShort } = step;
  const { again, fresh, prepared, leases } = step;
  let tasks = 0;
  while (tasks < max && handful.bytes < limits.offerBytesMax) {
    const index = prepared ? prepared.ready.shift() : (again.shift() ?? fresh.shift());
    if (index === undefined) break;
    const name = taskName(step.name, index);
    const task = board.space.get("task", name);
    // it ended meanwhile, or was put back twice
    if (!task || leases.has(index)) {
      if (prepared) forgetPrepared(step, index);
      continue;
    }
    const { attempts, lost } = task.status;
    const attempt = 1 + (attempts?.length ?? 0) + (lost ?? 0);
    const memoKey = prepared?.memoKeys.get(index);
    const files = prepared?.files.get(index);
    const lease = board.grant(step, index, task, machine, {
      attempt,
      cpus,
      isShort,
      sinceMs: nowMs,
      memoKey,
      files,
      choice: handful.choice,
    });
    const offer = offerOf(board, lease);
    if (prepared) forgetPrepared(step, index);
    handful.tasks.push(offer);
    handful.bytes += bytesOf(offer);
    tasks++;
  }
  if (tasks > 0) {
    board.served(step, machine);
    brief(session, machine, handful, step, record);
  }
  if (step.available === 0 || step.prepared) board.refresh(step);
}

/** What a machine is told of a task that it has been leased. */
export function offerOf({ space }: Board, lease: Lease): TaskOffer {
  const { step, index, task, fence, attempt, files } = lease;
  const offer: TaskOffer = { task: task.name, fence, input: task.spec.input, attempt };
  if (task.spec.inputObject !== undefined) offer.inputObject = task.spec.inputObject;
  if (step.segments)
    offer.segments = step.segments.sources(index, (of) => space.get("machine", of));
  if (files) offer.files = files;
  return offer;
}

function bytesOf({ input, files, segments }: TaskOffer): number {
  let bytes = Buffer.byteLength(input);
  if (files) bytes += textBytes(files);
  for (const source of segments ?? [])
    for (const segment of source.segments) bytes += segment.length;
  return bytes;
}

const textBytes = (value: object) => Buffer.byteLength(JSON.stringify(value));

function forgetPrepared({ prepared }: StepState, index: number): void {
  prepared!.files.delete(index);
  prepared!.memoKeys.delete(index);
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
