/** "1 CPU", "2.5 CPUs", "0 CPUs": as people say it. */
export function formatCpus(milliCpus: number): string {
  return milliCpus === 1000 ? "1 CPU" : `${Number((milliCpus / 1000).toFixed(2))} CPUs`;
}

/** "1 task", "3 tasks". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
