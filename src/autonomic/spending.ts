import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import { costOfMachine, hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { StepRecord } from "#/model/step.ts";
import { stepOfTask } from "#/model/task.ts";
import { hourMs } from "#/model/units.ts";
import type { Space } from "#/space/space.ts";

/** A task under way. */
export interface Running {
  readonly task: string;
  readonly machine: string;
  readonly since: number;
  /** A second attempt of a task of which another one is under way. */
  readonly isSecond?: boolean;
}

export interface SpendingParts {
  readonly job: JobRecord;
  readonly steps: readonly StepRecord[];
  readonly running: readonly Running[];
  /** Those placed for the job whose machines are not given back. */
  readonly orders: readonly OrderRecord[];
  readonly machine: (name: string) => MachineRecord | undefined;
}

/**
 * Millionths of the currency that a job will have cost at `at`, when until then nothing ends that runs now:
 * tasks that have ended, the share of its machine that each running one holds, and the whole bill of every
 * machine that was ordered for it. Undefined as soon as one part has no known price.
 */
export function spentBy(at: number, parts: SpendingParts): number | undefined {
  return spent(at, parts, shareAsked);
}

/**
 * The same, with what runs at the most that it may be billed for: a task that names no memory may use that of a CPU,
 * whatever part of one it asks for, and is billed by what it used. A budget is held against this.
 */
export function spentAtMost(at: number, parts: SpendingParts): number | undefined {
  return spent(at, parts, shareAtMost);
}

type ShareOf = (step: StepRecord, capacity: Capacity) => number;

function spent(at: number, parts: SpendingParts, shareOf: ShareOf): number | undefined {
  const { job, steps, orders } = parts;
  return sumOf([
    ...steps.map(({ status }) => status.usage.costMicros),
    ...runningCosts(at, parts, shareOf),
    boughtBy(at, job, orders),
    cutOf(job),
  ]);
}

type RunningParts = Pick<SpendingParts, "steps" | "running" | "machine">;

function runningCosts(
  at: number,
  { steps, running, machine }: RunningParts,
  shareOf: ShareOf,
): (number | undefined)[] {
  const stepOf = new Map(steps.map((step) => [step.name, step]));
  return running.map((one) =>
    runningCost(at, one, stepOf.get(stepOfTask(one.task)), machine(one.machine), shareOf),
  );
}

/** What the attempts have cost that end as the job is ended now, for its record; nothing where none is under way. */
export function cutBy(
  at: number,
  parts: Omit<SpendingParts, "orders">,
): Pick<JobRecord["status"], "cut"> {
  if (parts.running.length === 0) return {};
  const micros = sumOf([cutOf(parts.job), ...runningCosts(at, parts, shareAsked)]);
  return { cut: micros === undefined ? {} : { micros } };
}

/** The same of what is under way at this moment, in all of a job or in one step of it; without tasks that were handed out ahead, and are not known to have begun. */
export function cutNow(
  { space, field }: CutParts,
  job: JobRecord,
  now: number,
  step?: string,
): Pick<JobRecord["status"], "cut"> {
  const running = field
    .leases(job.name)
    .filter(({ task, isAhead }) => !isAhead && (step === undefined || stepOfTask(task) === step));
  const steps = [...space.list("step", job.name)];
  return cutBy(now, { job, steps, running, machine: (name) => space.get("machine", name) });
}

interface CutParts {
  space: Pick<Space, "get" | "list">;
  field: { leases(job: string): (Running & { readonly isAhead: boolean })[] };
}

/** What attempts had cost that were under way whenever it was ended before. */
export function cutOf({ status }: Pick<JobRecord, "status">): number | undefined {
  return status.cut ? status.cut.micros : 0;
}

function sumOf(parts: readonly (number | undefined)[]): number | undefined {
  return parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum + part),
    0,
  );
}

/** What machines bought for a job will have cost at `at`: those given back, and the open `orders`. */
export function boughtBy(
  at: number,
  { status }: JobRecord,
  orders: readonly OrderRecord[],
): number | undefined {
  const before = status.bought ? status.bought.micros : 0;
  return orders.reduce<number | undefined>((sum, order) => {
    const cost = orderCost(at, order);
    return sum === undefined || cost === undefined ? undefined : sum + cost;
  }, before);
}

/** What an order will have cost at `at`, when it is kept until then. */
export function orderCost(at: number, order: OrderRecord): number | undefined {
  const { spec, status } = order;
  if (hasOrderEnded(order)) return status.billedFrom === undefined ? 0 : status.costMicros;
  return costOfMachine(spec.offer, Math.max(0, at - (status.billedFrom ?? spec.orderedAt)));
}

function runningCost(
  at: number,
  { since }: Running,
  step: StepRecord | undefined,
  machine: MachineRecord | undefined,
  shareOf: ShareOf,
): number | undefined {
  if (!step || !machine) return 0; // it has just ended, and is counted with its step
  const { rates, capacity } = machine.status;
  if (rates.microsPerHour === undefined) return undefined;
  return (shareOf(step, capacity) * Math.max(0, at - since) * rates.microsPerHour) / hourMs;
}

function shareAsked({ spec }: StepRecord, capacity: Capacity): number {
  return shareFor(spec.template.needs, capacity);
}

/** What drivers allow: the memory that it asks for, or that of a CPU, and to what runs in a runner that one's own. */
function shareAtMost({ spec }: StepRecord, capacity: Capacity): number {
  const { needs, run } = spec.template;
  const ofACpu = capacity.memoryBytes / Math.max(1, capacity.milliCpus / 1000);
  const runnerBytes = run.driver === "runner" ? limits.runnerMemoryBytes : 0;
  const memoryBytes = (needs.memoryBytes || ofACpu) + runnerBytes;
  return shareFor({ ...needs, memoryBytes }, capacity);
}

/** The dominant share, as `meter/price.ts` bills it. */
function shareFor({ milliCpus, memoryBytes }: Capacity, capacity: Capacity): number {
  const ofMemory = memoryBytes / Math.max(1, capacity.memoryBytes);
  return Math.min(1, Math.max(milliCpus / capacity.milliCpus, ofMemory));
}
