import { Chance } from "#/base/chance.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";

const GiB = 2 ** 30;

/** A site with one offer: four CPUs for 0.60 an hour. */
export function lab(offer: object = {}, more: object = {}): SimulatedConfig {
  return siteConfig.parse({
    type: "simulated",
    machinesMax: 50,
    offers: [
      {
        name: "large",
        milliCpus: 4000,
        memoryBytes: 8 * GiB,
        microsPerHour: 600_000,
        bootMs: { median: 20_000, p90: 30_000 },
        ...offer,
      },
    ],
    ...more,
  }) as SimulatedConfig;
}

/** A cloud over that site, whose tasks all take so long. */
export async function cloudOf(site: SimulatedConfig, taskMs: number): Promise<SimulatedCloud> {
  return SimulatedCloud.open({ site, taskMs: () => taskMs, random: new Chance(3) });
}
