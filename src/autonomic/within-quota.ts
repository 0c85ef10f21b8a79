import type { Capacity } from "#/model/needs.ts";
import type { Amounts } from "#/model/quota.ts";
import type { PresentMachine } from "./machine-types.ts";

/**
 * What a project's quota leaves it of machines that are shared: as many of them as it covers, of the last one a
 * part. What it may borrow beyond it is taken back when others need it, and nothing is promised of it. Machines that
 * a job or a project pays for are in no quota. A pure function.
 */
export function withinQuota(
  machines: readonly PresentMachine[],
  quota: Amounts | undefined,
  isPaidFor: (machine: PresentMachine) => boolean,
): PresentMachine[] {
  if (!quota) return [...machines];
  const left: Capacity = { milliCpus: Infinity, memoryBytes: Infinity, ...quota };
  return machines.map((machine) => {
    if (isPaidFor(machine)) return machine;
    const part = Math.max(
      0,
      Math.min(
        1,
        left.milliCpus / Math.max(1, machine.capacity.milliCpus),
        left.memoryBytes / Math.max(1, machine.capacity.memoryBytes),
      ),
    );
    left.milliCpus -= machine.capacity.milliCpus;
    left.memoryBytes -= machine.capacity.memoryBytes;
    return part === 1 ? machine : { ...machine, quotaShare: part };
  });
}
