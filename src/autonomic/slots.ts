import type { Capacity } from "#/model/needs.ts";
import type { PlannedWork } from "#/model/plan.ts";

/** Tasks that need nothing but time: so many at once. */
const slotsMax = 1024;

/** What of a machine, or of an offer, decides what runs there; the drivers of what has not joined are not known. */
export interface Place {
  readonly site: string;
  readonly capacity: Capacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly drivers?: readonly string[] | undefined;
}

/** Tasks of a kind that a machine runs at once. */
export function slotsOf(
  { needs, driver }: Pick<PlannedWork, "needs" | "driver">,
  { site, capacity, labels, drivers }: Place,
): number {
  if (drivers && !drivers.includes(driver)) return 0;
  if (needs.sites && !needs.sites.includes(site)) return 0;
  if (Object.entries(needs.labels).some(([name, value]) => labels[name] !== value)) return 0;
  const byCpu = needs.milliCpus > 0 ? Math.floor(capacity.milliCpus / needs.milliCpus) : slotsMax;
  const byMemory =
    needs.memoryBytes > 0 ? Math.floor(capacity.memoryBytes / needs.memoryBytes) : slotsMax;
  return Math.min(byCpu, byMemory, slotsMax);
}
