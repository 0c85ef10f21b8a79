import { Chance } from "#/base/chance.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { fleetName, type FleetPolicy } from "#/model/policy.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { SimulatedCloud } from "../../testing/simulated-cloud.ts";

const minuteMs = 60_000;
const GiB = 2 ** 30;

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

export const fleet: FleetPolicy = {
  waitMsMax: 2 * minuteMs,
  machinesMin: 0,
  machinesMax: 20,
  idleMs: 2 * minuteMs,
};

/** A machine of two CPUs, and a policy with a fleet. */
export async function cloudOf(
  more: Partial<FleetPolicy> = {},
  { site = lab(), taskMs = minuteMs }: { site?: SimulatedConfig; taskMs?: number } = {},
): Promise<SimulatedCloud> {
  const cloud = await SimulatedCloud.open({ site, taskMs: () => taskMs, random: new Chance(3) });
  cloud.machine("here", 2);
  cloud.policy({ fleet: { ...fleet, ...more } });
  return cloud;
}

/** Those of which something is left at the site. */
export const openOrders = (cloud: SimulatedCloud) =>
  cloud.orders().filter((order) => !hasOrderEnded(order));
export const decisionsOf = (cloud: SimulatedCloud) => cloud.decisions(fleetName("p"));
