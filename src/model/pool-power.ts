/** A machine of the pool, and what its tasks hold of it. */
export interface PoolMachine {
  readonly milliCpus: number;
  readonly memoryBytes: number;
  readonly heldMilliCpus: number;
  readonly heldMemoryBytes: number;
  readonly running: number;
  /** Undefined where nobody knows. */
  readonly power: { readonly idleWatts: number; readonly peakWatts: number } | undefined;
  /** By its agent's measure, with the building's overhead as above. */
  readonly wattsNow: number | undefined;
  readonly gramsPerKwh: number | undefined;
}

/** What some machines draw, and what that emits in an hour; undefined where nobody knows how clean their power is. */
export interface Draw {
  readonly machines: number;
  readonly watts: number;
  readonly gramsPerHour: number | undefined;
}

export interface PoolPower {
  /** All machines as they are. */
  readonly placed: Draw;
  /** Those of them on which nothing runs: what sleeping or releasing them would spare. */
  readonly atRest: Draw;
  /** The same work spread evenly over all of them. */
  readonly spread: Draw;
  /** The same work on as few as hold it, those first that draw least for a CPU; the others off. */
  readonly packed: Draw;
  /** Machines that are left out as nobody knows what they draw. */
  readonly unknown: number;
  /** Of the machines counted, how many measure what they draw. */
  readonly measured: number;
}

type Known = PoolMachine & { readonly power: NonNullable<PoolMachine["power"]> };

/**
 * What a pool draws as its work is placed, against the same work spread evenly and packed. The power of a
 * machine is linear in the CPUs that tasks hold (Fan, Weber and Barroso, ISCA 2007), `idle + (peak - idle) × u`;
 * where it is measured, what is placed is as measured. Packed is a bound: tasks are taken to be as small as one likes.
 */
export function poolPower(machines: readonly PoolMachine[]): PoolPower {
  const known = machines.filter((machine): machine is Known => machine.power !== undefined);
  const cpus = sumOf(known, ({ milliCpus }) => milliCpus);
  const held = sumOf(known, ({ heldMilliCpus }) => heldMilliCpus);
  const share = cpus > 0 ? Math.min(1, held / cpus) : 0;
  return {
    placed: drawOf(known, (one) => one.wattsNow ?? wattsAt(one, shareOf(one))),
    atRest: drawOf(
      known.filter(({ running }) => running === 0),
      (one) => one.wattsNow ?? wattsAt(one, shareOf(one)),
    ),
    spread: drawOf(known, (one) => wattsAt(one, share)),
    packed: packedOf(known),
    unknown: machines.length - known.length,
    measured: known.filter(({ wattsNow }) => wattsNow !== undefined).length,
  };
}

function packedOf(machines: readonly Known[]): Draw {
  let milliCpus = sumOf(machines, ({ heldMilliCpus }) => heldMilliCpus);
  let memoryBytes = sumOf(machines, ({ heldMemoryBytes }) => heldMemoryBytes);
  const order = machines.toSorted((a, b) => wattsPerCpu(a) - wattsPerCpu(b));
  const shares = new Map<Known, number>();
  for (const machine of order) {
    if (milliCpus <= 0 && memoryBytes <= 0) break;
    const takes = Math.min(Math.max(0, milliCpus), machine.milliCpus);
    shares.set(machine, machine.milliCpus > 0 ? takes / machine.milliCpus : 0);
    milliCpus -= takes;
    memoryBytes -= machine.memoryBytes;
  }
  return drawOf([...shares.keys()], (one) => wattsAt(one, shares.get(one)!));
}

function drawOf(machines: readonly Known[], wattsOf: (machine: Known) => number): Draw {
  let watts = 0;
  let gramsPerHour: number | undefined = 0;
  for (const machine of machines) {
    const drawn = wattsOf(machine);
    watts += drawn;
    const { gramsPerKwh } = machine;
    gramsPerHour =
      gramsPerHour === undefined || gramsPerKwh === undefined
        ? undefined
        : gramsPerHour + (drawn / 1000) * gramsPerKwh;
  }
  return { machines: machines.length, watts, gramsPerHour };
}

function wattsAt({ power: { idleWatts, peakWatts } }: Known, share: number): number {
  return idleWatts + (peakWatts - idleWatts) * share;
}

function shareOf({ milliCpus, heldMilliCpus }: Known): number {
  return milliCpus > 0 ? Math.min(1, heldMilliCpus / milliCpus) : 0;
}

function wattsPerCpu({ power, milliCpus }: Known): number {
  return power.peakWatts / Math.max(1, milliCpus);
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
