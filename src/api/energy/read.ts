import { energyView } from "#/model/energy-views.ts";
import { poolPower, type PoolMachine } from "#/model/pool-power.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import type { DoorParts } from "../parts.ts";

export const readEnergy = defineCall({
  summary: "What the machines draw",
  description:
    "The power of all connected machines as their work is placed, against the same work spread evenly over them and packed onto the fewest that draw least, with what that emits in an hour. Measured where agents can (RAPL), else by the power model of the CPUs that tasks hold; machines of unknown power are counted apart.",
  tag: "carbon",
  role: "viewer",
  query: inProject,
  answer: energyView,
  run({ parts }) {
    const pool = poolPower(machinesOf(parts));
    return { ...pool, placement: parts.scheduler.placement };
  },
});

function machinesOf({ space, scheduler, zones, clock }: DoorParts): PoolMachine[] {
  const now = clock.now();
  return scheduler.machines().flatMap(({ machine: name, connected, running, free, load }) => {
    const machine = space.get("machine", name);
    if (!machine || !connected) return [];
    const { capacity, rates } = machine.status;
    const { idleWatts, peakWatts, pue } = rates;
    return [
      {
        ...capacity,
        heldMilliCpus: capacity.milliCpus - free.milliCpus,
        heldMemoryBytes: capacity.memoryBytes - free.memoryBytes,
        running,
        power:
          peakWatts > 0 ? { idleWatts: idleWatts * pue, peakWatts: peakWatts * pue } : undefined,
        wattsNow: load?.watts === undefined ? undefined : load.watts * pue,
        gramsPerKwh: zones.known(machine.spec, now, now).gramsPerKwh,
      },
    ];
  });
}
