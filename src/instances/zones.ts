import type { MachineRecord } from "#/model/machine.ts";
import { region } from "#/model/region.ts";
import type { Space } from "#/space/space.ts";

/** What a name of a zone ends with; AWS has no more of them. */
const letters = "abcdefghijklmnopqrstuvwxyz";

export interface Zone {
  /** "us-east-1a". */
  name: string;
  /** Whose machines it has; absent for those that joined by themselves. */
  site?: string;
  isAvailable: boolean;
}

/** The machines that joined by themselves are the first zone, and each site is one, in the order in which they were added. */
export function zonesOf(space: Pick<Space, "list">): Zone[] {
  const sites = [...space.list("site")].filter(({ status }) => !status.removing);
  const zones = [
    { isAvailable: true },
    ...sites.map(({ name, status }) => ({ site: name, isAvailable: status.health === "healthy" })),
  ];
  return zones
    .slice(0, letters.length)
    .map((zone, index) => ({ name: `${region}${letters[index]}`, ...zone }));
}

/** The zone of a machine; undefined for one of a site that is going. */
export function zoneOf({ spec }: MachineRecord, zones: readonly Zone[]): string | undefined {
  const ofSite = zones.find(({ site }) => site === spec.site);
  return (spec.order === undefined && !ofSite ? zones[0] : ofSite)?.name;
}
