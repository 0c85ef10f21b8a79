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
  energyJoules: number;
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
    costMicros:
      a.costMicros === undefined || b.costMicros === undefined
        ? undefined
        : a.costMicros + b.costMicros,
    energyJoules: a.energyJoules + b.energyJoules,
  };
}
