import type { FleetView } from "#/model/fleet-views.ts";
import { formatDuration } from "#/model/units.ts";

/** "2 to 8 machines, at most 3.00 USD an hour, so that nothing waits longer than 2m; idle for 5m they go". */
export function fleetText(fleet: NonNullable<FleetView["policy"]>): string {
  const { machinesMin, machinesMax, budgetPerHour, waitMsMax, idleMs } = fleet;
  const money = budgetPerHour === undefined ? "" : `, at most ${budgetPerHour} an hour`;
  return `${machinesMin} to ${machinesMax} machines${money}, so that nothing waits longer than ${formatDuration(waitMsMax)}; idle for ${formatDuration(idleMs)} they go`;
}
