import { z } from "zod";
import type { Amounts, QuotaSpec } from "#/model/quota.ts";

export const amountsRequest = z
  .strictObject({
    cpus: z.number().min(0.001).max(10_000_000).optional(),
    memoryBytes: z.int().positive().optional(),
  })
  .refine(
    ({ cpus, memoryBytes }) => cpus !== undefined || memoryBytes !== undefined,
    "must name 'cpus', 'memoryBytes' or both",
  );

export const cohortName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    "must begin with a letter and have at most 40 of a-z, 0-9 and '-'",
  );

interface QuotaChange {
  quota?: z.output<typeof amountsRequest> | null | undefined;
  cohort?: string | null | undefined;
  borrow?: z.output<typeof amountsRequest> | null | undefined;
}

/** A project's quota after a change: what is not named stays, null takes away. */
export function quotaOf(now: QuotaSpec, change: QuotaChange): QuotaSpec {
  const quota = changed(now.quota, change.quota, amountsOf);
  const cohort = changed(now.cohort, change.cohort, (name) => name);
  const borrow = changed(now.borrow, change.borrow, amountsOf);
  return {
    ...(quota && { quota }),
    ...(cohort !== undefined && { cohort }),
    ...(borrow && { borrow }),
  };
}

function changed<T, Asked>(
  now: T | undefined,
  asked: Asked | null | undefined,
  read: (asked: Asked) => T,
): T | undefined {
  if (asked === undefined) return now;
  return asked === null ? undefined : read(asked);
}

function amountsOf({ cpus, memoryBytes }: z.output<typeof amountsRequest>): Amounts {
  return {
    ...(cpus !== undefined && { milliCpus: Math.round(cpus * 1000) }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}
