import type { InstanceType } from "./instance-type.ts";

/** Millionths of the currency an hour, for a processor and for a GiB of memory: about what AWS asks for an m5. */
const microsPerCpu = 33_500;
const microsPerGiB = 3_600;

/** What an instance costs where nobody says another price: by what it holds of its machine. */
export function listMicrosPerHour({
  milliCpus,
  memoryBytes,
}: Pick<InstanceType, "milliCpus" | "memoryBytes">): number {
  return Math.round((microsPerCpu * milliCpus) / 1000 + (microsPerGiB * memoryBytes) / 2 ** 30);
}
