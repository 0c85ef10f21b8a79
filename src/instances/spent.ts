import { microsPerHourOf } from "#/meter/instance-price.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceRecord, InstanceStatus } from "#/model/instance.ts";
import { hourMs } from "#/model/units.ts";

/**
 * What an instance has cost until now, in millionths of the currency: while it is "running", by the price list. A type changes
 * only while it is stopped, and so each hour is at the price of its own type.
 */
export function spentMicrosOf({ spec, status }: InstanceRecord, now: number): number {
  const { state, since, spentMicros = 0 } = status;
  const type = instanceTypes.get(spec.type);
  if (state !== "running" || !type) return spentMicros;
  return spentMicros + (Math.max(0, now - since) / hourMs) * microsPerHourOf(type);
}

/** To be kept in the status of one that is about to leave the state in which it is. */
export function spentSoFar(
  record: InstanceRecord,
  now: number,
): Pick<InstanceStatus, "spentMicros"> {
  return record.status.state === "running" ? { spentMicros: spentMicrosOf(record, now) } : {};
}
