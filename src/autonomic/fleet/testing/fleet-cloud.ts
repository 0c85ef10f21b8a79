import { hasOrderEnded } from "#/model/order.ts";
import { fleetName, type FleetPolicy } from "#/model/policy.ts";
import type { SimulatedConfig } from "#/model/site-config.ts";
import { cloudOf, lab } from "../../testing/lab.ts";
import type { SimulatedCloud } from "../../testing/simulated-cloud.ts";

const minuteMs = 60_000;

export const fleet: FleetPolicy = {
  waitMsMax: 2 * minuteMs,
  machinesMin: 0,
  machinesMax: 20,
  idleMs: 2 * minuteMs,
};

/** A machine of two CPUs, and a policy with a fleet. */
export async function fleetCloudOf(
  more: Partial<FleetPolicy> = {},
  { site = lab(), taskMs = minuteMs }: { site?: SimulatedConfig; taskMs?: number } = {},
): Promise<SimulatedCloud> {
  const cloud = await cloudOf(site, taskMs);
  cloud.machine("here", 2);
  cloud.policy({ fleet: { ...fleet, ...more } });
  return cloud;
}

/** Those of which something is left at the site. */
export const openOrders = (cloud: SimulatedCloud) =>
  cloud.orders().filter((order) => !hasOrderEnded(order));
export const decisionsOf = (cloud: SimulatedCloud) => cloud.decisions(fleetName("p"));
