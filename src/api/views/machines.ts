import { CanopyError } from "#/base/errors.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { MachineView } from "#/model/views.ts";
import type { MachineView as SoftState } from "#/scheduler/session.ts";
import type { Space } from "#/space/space.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** Throws CanopyError "not-found". */
export function findMachine(space: Space, name: string): MachineRecord {
  const machine = space.get("machine", name);
  if (machine) return machine;
  throw new CanopyError("not-found", `Cannot find the machine '${name}'`, {
    hint: "See them all: canopy machines",
  });
}

/** A machine as the API shows it: its record, and what the scheduler knows of it now. */
export function machineViewOf(
  { name, spec, status }: MachineRecord,
  soft: SoftState | undefined,
  more: { slowness: number; instances: number },
): MachineView {
  const connected = soft?.connected === true;
  return {
    name,
    site: spec.site,
    hostname: status.hostname,
    os: status.os,
    arch: status.arch,
    version: status.version,
    labels: spec.labels,
    drivers: status.drivers,
    capacity: status.capacity,
    free: connected ? soft.free : undefined,
    connected,
    cordoned: spec.cordoned,
    standing: spec.standing && {
      phase: spec.standing.phase,
      since: instantOf(spec.standing.since),
      reason: spec.standing.reason,
      until: maybeInstant(spec.standing.until),
    },
    lastSeenAt: maybeInstant(soft?.lastSeenMs),
    running: soft?.running ?? 0,
    hosting: status.hosting && {
      kinds: [...status.hosting.kinds],
      hasKvm: status.hosting.hasKvm,
      networks: status.hosting.networks,
      storages: [...status.hosting.storages],
      missing: [...status.hosting.missing],
    },
    cpuShare: connected ? soft.load?.cpuShare : undefined,
    memoryFreeBytes: connected ? soft.load?.memoryFreeBytes : undefined,
    joinedAt: instantOf(spec.joinedAt),
    measured: status.measured && { ...status.measured, at: instantOf(status.measured.at) },
    ...more,
    microsPerHour: status.rates.microsPerHour,
    power: powerOf(status, connected ? soft.load?.watts : undefined),
  };
}

/** How many instances hold something of each machine. */
export function instancesByMachine(space: Pick<Space, "all">): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status } of space.all("instance")) {
    const { machine, state } = status;
    if (machine === undefined || state === "stopped" || state === "terminated") continue;
    counts.set(machine, (counts.get(machine) ?? 0) + 1);
  }
  return counts;
}

/** Absent where nobody knows it. The agent's measure, like its model, is without the building's overhead. */
function powerOf(
  { rates, measuresPower }: MachineRecord["status"],
  watts: number | undefined,
): MachineView["power"] {
  const { idleWatts, peakWatts, pue } = rates;
  if (peakWatts <= 0) return undefined;
  return { idleWatts, peakWatts, pue, from: measuresPower ? "measured" : "model", wattsNow: watts };
}
