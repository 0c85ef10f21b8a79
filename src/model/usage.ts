/** What one attempt used, as its agent measured it. */
export interface TaskUsage {
  /** Wall clock of the machine that ran it. */
  startedAt: number;
  wallMs: number;
  cpuMs: number;
  /** The most memory it held at once; for a function, of its runner. */
  memoryBytes: number;
  /** Bytes of files and results fetched and stored. */
  readBytes: number;
  writtenBytes: number;
  /** Its part of what the machine's processors drew, where the agent can measure that; the building's overhead is not in it. */
  joules?: number;
}

/** Sums over attempts, with what they cost by the price list and the power model. */
export interface Usage {
  attempts: number;
  wallMs: number;
  cpuMs: number;
  /** Memory held, times how long. */
  memoryByteSeconds: number;
  memoryPeakBytes: number;
  readBytes: number;
  writtenBytes: number;
  /** Millionths of the price list's currency. `undefined` as soon as one part has no known price. */
  costMicros: number | undefined;
  /** With the building's overhead. `undefined` as soon as one part has no known power. */
  energyJoules: number | undefined;
  /** Of that, what was measured and not modelled. */
  measuredJoules: number;
  /** CO2 equivalent of that energy. `undefined` as soon as nobody knows how clean one part was. */
  grams: number | undefined;
}

export const noUsage: Usage = Object.freeze({
  attempts: 0,
  wallMs: 0,
  cpuMs: 0,
  memoryByteSeconds: 0,
  memoryPeakBytes: 0,
  readBytes: 0,
  writtenBytes: 0,
  costMicros: 0,
  energyJoules: 0,
  measuredJoules: 0,
  grams: 0,
});

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    attempts: a.attempts + b.attempts,
    wallMs: a.wallMs + b.wallMs,
    cpuMs: a.cpuMs + b.cpuMs,
    memoryByteSeconds: a.memoryByteSeconds + b.memoryByteSeconds,
    memoryPeakBytes: Math.max(a.memoryPeakBytes, b.memoryPeakBytes),
    readBytes: a.readBytes + b.readBytes,
    writtenBytes: a.writtenBytes + b.writtenBytes,
    costMicros: plusKnown(a.costMicros, b.costMicros),
    energyJoules: plusKnown(a.energyJoules, b.energyJoules),
    // records of before have none
    measuredJoules: (a.measuredJoules ?? 0) + (b.measuredJoules ?? 0),
    grams: plusKnown(a.grams, b.grams),
  };
}

/** A sum that is unknown as soon as one of its parts is. */
export function plusKnown(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
