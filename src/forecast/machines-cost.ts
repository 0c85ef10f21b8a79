import type { ForkFleet } from "./fleet.ts";
import type { Moment } from "./moment.ts";

/**
 * Millionths of the currency for all machines of a fork, busy or not, from its moment until an instant;
 * undefined where a price is unknown.
 */
export function machinesMicros(
  { now, machines, coming }: Moment,
  until: number,
  fleet: ForkFleet | undefined,
): number | undefined {
  let micros = fleet ? fleet.boughtMicros(until) : 0;
  if (micros === undefined) return undefined;
  const held = [...machines.map((machine) => ({ machine, at: now })), ...coming];
  for (const { machine, at } of held) {
    const { microsPerHour } = machine.status.rates;
    if (microsPerHour === undefined) return undefined;
    const endsAt = Math.min(until, fleet?.endOf(machine) ?? until);
    micros += (microsPerHour * Math.max(0, endsAt - at)) / 3_600_000;
  }
  return micros;
}
