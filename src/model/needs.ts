import { limits } from "#/base/limits.ts";

/** What a task must have of a machine. Equal needs make a class: a million tasks are matched once. */
export interface Needs {
  /** CPUs, in thousandths: 500 is half a core. 0 for what only waits. */
  milliCpus: number;
  memoryBytes: number;
  /** Labels that the machine must carry, by name and value. */
  labels: Record<string, string>;
  /** Only machines of these sites; any when absent. */
  sites?: readonly string[];
  /** The policy's rules on data for which it is only these, and those that were asked for whatever the rules. */
  confinedBy?: readonly string[];
  ownSites?: readonly string[];
}

/** What a machine has for tasks. */
export interface Capacity {
  milliCpus: number;
  memoryBytes: number;
}

/** What a task holds of its machine. One without CPUs holds some memory at least: a machine must not run any number of processes. */
export function heldBy({ milliCpus, memoryBytes }: Capacity): Capacity {
  if (milliCpus > 0) return { milliCpus, memoryBytes };
  return { milliCpus, memoryBytes: Math.max(memoryBytes, limits.idleTaskMemoryBytes) };
}

/** How many tasks that each hold so much have room in that capacity at once; Infinity for those that hold nothing. */
export function placesIn({ milliCpus, memoryBytes }: Capacity, held: Capacity): number {
  return Math.min(times(held.milliCpus, milliCpus), times(held.memoryBytes, memoryBytes));
}

function times(part: number, whole: number): number {
  return part > 0 ? Math.max(0, Math.floor(whole / part)) : Infinity;
}

/** One text per class: equal for equal needs, whatever the order of their labels. */
export function classOf(needs: Needs, driver: string): string {
  const labels = Object.entries(needs.labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const { sites, confinedBy = [] } = needs;
  const places = sites ? [`at ${[...sites].sort().join("|")}`, ...confinedBy] : [];
  return [driver, needs.milliCpus, needs.memoryBytes, ...labels, ...places].join(" ");
}
