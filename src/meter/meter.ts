import type { MachineRecord } from "#/model/machine.ts";
import type { Needs } from "#/model/needs.ts";
import type { TaskUsage, Usage } from "#/model/usage.ts";
import { price } from "./price.ts";

/** The mean carbon intensity in gCO2eq/kWh that a machine had between two instants; undefined when nobody knows. */
export type MeanGrams = (
  machine: MachineRecord,
  fromMs: number,
  toMs: number,
) => number | undefined;

/** What an attempt on a machine cost, drew and emitted, from what it used. */
export function meterWith(meanGrams: MeanGrams) {
  return (usage: TaskUsage, needs: Needs, machine: MachineRecord): Usage => {
    const { rates, capacity } = machine.status;
    const { startedAt, wallMs } = usage;
    return price(usage, needs, rates, capacity, meanGrams(machine, startedAt, startedAt + wallMs));
  };
}

/** A meter where nobody knows how clean the power is. */
export const plainMeter = meterWith(() => undefined);
