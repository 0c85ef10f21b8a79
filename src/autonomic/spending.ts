import type { JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { costOfMachine, hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { StepRecord } from "#/model/step.ts";
import { stepOfTask } from "#/model/task.ts";
import { hourMs } from "#/model/units.ts";

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
export function spentBy(
  at: number,
  { job, steps, running, orders, machine }: SpendingParts,
): number | undefined {
  const stepOf = new Map(steps.map((step) => [step.name, step]));
  const parts = [
    ...steps.map(({ status }) => status.usage.costMicros),
    ...running.map((one) =>
      runningCost(at, one, stepOf.get(stepOfTask(one.task)), machine(one.machine)),
    ),
    boughtBy(at, job, orders),
    cutOf(job),
  ];
  return sumOf(parts);
}

/** What the attempts have cost that end as the job is ended now, for its record; nothing where none is under way. */
export function cutBy(
  at: number,
  { job, steps, running, machine }: Omit<SpendingParts, "orders">,
): Pick<JobRecord["status"], "cut"> {
  if (running.length === 0) return {};
  const stepOf = new Map(steps.map((step) => [step.name, step]));
  const micros = sumOf([
    cutOf(job),
    ...running.map((one) =>
      runningCost(at, one, stepOf.get(stepOfTask(one.task)), machine(one.machine)),
    ),
  ]);
  return { cut: micros === undefined ? {} : { micros } };
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
): number | undefined {
  if (!step || !machine) return 0; // it has just ended, and is counted with its step
  const { rates, capacity } = machine.status;
  if (rates.microsPerHour === undefined) return undefined;
  const { milliCpus, memoryBytes } = step.spec.template.needs;
  const share = Math.min(
    1,
    Math.max(milliCpus / capacity.milliCpus, memoryBytes / Math.max(1, capacity.memoryBytes)),
  );
  return (share * Math.max(0, at - since) * rates.microsPerHour) / hourMs;
}
