import { hourMs } from "#/model/units.ts";
import type { ForkSites } from "./fork-sites.ts";
import type { Moment } from "./moment.ts";

/**
 * Millionths of the currency for all machines of a fork, busy or not, from its moment until an instant;
 * undefined where a price is unknown.
 */
export function machinesMicros(
  { now, machines, coming }: Moment,
  until: number,
  sites: ForkSites | undefined,
): number | undefined {
  let micros = sites ? sites.costMicros(now, until) : 0;
  if (micros === undefined) return undefined;
  const held = [...machines.map((machine) => ({ machine, at: now })), ...coming];
  for (const { machine, at } of held) {
    if (sites?.has(machine.spec.order)) continue;
    const { microsPerHour } = machine.status.rates;
    if (microsPerHour === undefined) return undefined;
    micros += (microsPerHour * Math.max(0, until - at)) / hourMs;
  }
  return micros;
}
