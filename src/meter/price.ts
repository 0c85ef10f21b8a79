import type { MachineRates } from "#/model/machine.ts";
import type { Capacity, Needs } from "#/model/needs.ts";
import type { TaskUsage, Usage } from "#/model/usage.ts";
import { hourMs } from "#/model/units.ts";

const kwhJoules = 3_600_000;

/**
 * What one attempt cost, in millionths of the currency and in joules.
 *
 * Money: the task pays for the share of the machine that it kept from others, for as long as it ran:
 * `max(CPU share, memory share) × wall time × price`, the dominant share of Ghodsi et al., "Dominant
 * Resource Fairness" (NSDI 2011). CPU that it used beyond what it had reserved counts as reserved.
 *
 * Energy: the linear power model of Fan, Weber and Barroso, "Power provisioning for a warehouse-sized
 * computer" (ISCA 2007), `P(u) = idle + (peak - idle) × u`: the idle part by the share of CPUs that it
 * kept, the rest by the CPU time that it used, both times the power usage effectiveness (ISO/IEC 30134-2).
 * Where the agent measured what its machine drew, that goes before the model. Unknown power stays unknown.
 *
 * CO2: that energy times the mean carbon intensity of the hours in which it ran, in gCO2eq/kWh.
 */
export function price(
  usage: TaskUsage,
  needs: Needs,
  rates: MachineRates,
  capacity: Capacity,
  gramsPerKwh?: number,
): Usage {
  const { wallMs, cpuMs, memoryBytes } = usage;
  const cpus = capacity.milliCpus / 1000;
  const usedCpus = wallMs > 0 ? cpuMs / wallMs : 0;
  const cpuShare = shareOf(Math.max(needs.milliCpus / 1000, usedCpus), cpus);
  const memoryShare = shareOf(Math.max(needs.memoryBytes, memoryBytes), capacity.memoryBytes);
  const share = Math.max(cpuShare, memoryShare);
  const isMeasured = usage.joules !== undefined;
  const joules = isMeasured ? usage.joules : modelJoules(usage, cpuShare, cpus, rates);
  const energyJoules = joules === undefined ? undefined : joules * rates.pue;
  return {
    attempts: 1,
    wallMs,
    cpuMs,
    memoryByteSeconds: (memoryBytes * wallMs) / 1000,
    memoryPeakBytes: memoryBytes,
    readBytes: usage.readBytes,
    writtenBytes: usage.writtenBytes,
    costMicros:
      rates.microsPerHour === undefined
        ? undefined
        : (share * wallMs * rates.microsPerHour) / hourMs,
    energyJoules,
    measuredJoules: isMeasured ? energyJoules! : 0,
    grams:
      energyJoules === undefined || gramsPerKwh === undefined
        ? undefined
        : (energyJoules / kwhJoules) * gramsPerKwh,
  };
}

function modelJoules(
  { wallMs, cpuMs }: TaskUsage,
  cpuShare: number,
  cpus: number,
  { idleWatts, peakWatts }: MachineRates,
): number | undefined {
  if (peakWatts <= 0) return undefined;
  const idleJoules = (idleWatts * cpuShare * wallMs) / 1000;
  const busyJoules = cpus > 0 ? ((peakWatts - idleWatts) * cpuMs) / (cpus * 1000) : 0;
  return idleJoules + busyJoules;
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(part / whole, 1) : 0;
}
