/** What a task must have of a machine. Equal needs make a class: a million tasks are matched once. */
export interface Needs {
  /** CPUs, in thousandths: 500 is half a core. 0 for what only waits. */
  milliCpus: number;
  memoryBytes: number;
  /** Labels that the machine must carry, by name and value. */
  labels: Record<string, string>;
}

/** What a machine has for tasks. */
export interface Capacity {
  milliCpus: number;
  memoryBytes: number;
}

/** One text per class: equal for equal needs, whatever the order of their labels. */
export function classOf(needs: Needs, driver: string): string {
  const labels = Object.entries(needs.labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return [driver, needs.milliCpus, needs.memoryBytes, ...labels].join(" ");
}
