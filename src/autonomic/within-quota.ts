import type { Capacity } from "#/model/needs.ts";
import type { Amounts, QuotaSpec } from "#/model/quota.ts";

interface Shared {
  readonly capacity: Capacity;
  /** The part of it that the quota covers, where that is not all of it. */
  readonly quotaShare?: number;
}

/**
 * What a project's quota leaves it of machines that are shared: as many of them as it covers, of the last one a
 * part. What it may borrow beyond it is taken back when others need it, and nothing is promised of it. Machines that
 * a job or a project pays for are in no quota. A pure function.
 */
export function withinQuota<Machine extends Shared>(
  machines: readonly Machine[],
  quota: Amounts | undefined,
  isPaidFor: (machine: Machine) => boolean,
): Machine[] {
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

/**
 * What a project may use of shared machines at most, with all that it may borrow of its cohort: `lenders` are the
 * other projects. Of this nothing is promised.
 */
export function withBorrowed(
  { quota, cohort, borrow }: QuotaSpec,
  lenders: Iterable<QuotaSpec>,
): Amounts | undefined {
  if (!quota || cohort === undefined) return quota;
  const lent = [...lenders].filter((lender) => lender.cohort === cohort);
  const of = (resource: keyof Amounts): Amounts => {
    const own = quota[resource];
    if (own === undefined) return {};
    const sum = lent.reduce((total, lender) => total + (lender.quota?.[resource] ?? 0), 0);
    return { [resource]: own + Math.min(borrow?.[resource] ?? Infinity, sum) };
  };
  return { ...of("milliCpus"), ...of("memoryBytes") };
}
