const bucketsMax = 48;

/**
 * Run times as the records keep them: counts per power of two of milliseconds (index 0: under 1 ms,
 * 1: from 1 to under 2 ms, 2: from 2 to under 4, …). Within one bucket they are taken as spread evenly.
 */
export interface RunTimeHistogram {
  /** Finished tasks that it was drawn from. */
  count: number;
  meanMs: number;
  /** Of one task, in ms². */
  variance: number;
  buckets: readonly number[];
}

/** Undefined when no task has finished. `meanMs` replaces the histogram's own mean where it is known better. */
export function histogramOf(
  buckets: readonly number[],
  meanMs?: number,
): RunTimeHistogram | undefined {
  let count = 0;
  let sum = 0;
  let squares = 0;
  buckets.forEach((tasks, index) => {
    const [low, high] = bounds(index);
    count += tasks;
    sum += (tasks * (low + high)) / 2;
    // The mean of x² over an even spread from low to high.
    squares += (tasks * (low * low + low * high + high * high)) / 3;
  });
  if (count === 0) return undefined;
  const ownMean = sum / count;
  const variance = Math.max(0, squares / count - ownMean * ownMean);
  return { count, meanMs: meanMs ?? ownMean, variance, buckets };
}

/** What a task that has run for `ranMs` still takes, in the mean over those that ran longer. */
export function residualMs({ buckets }: RunTimeHistogram, ranMs: number): number {
  let longer = 0;
  let left = 0;
  buckets.forEach((tasks, index) => {
    const [low, high] = bounds(index);
    if (high <= ranMs) return;
    const from = Math.max(low, ranMs);
    const share = (tasks * (high - from)) / (high - low);
    longer += share;
    left += share * ((from + high) / 2 - ranMs);
  });
  // Longer than any before: the longer it has run, the longer it is likely to go on.
  return longer > 0 ? left / longer : ranMs / 2;
}

/** Adds up histograms. */
export function addBuckets(a: readonly number[], b: readonly number[]): number[] {
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, index) => (a[index] ?? 0) + (b[index] ?? 0),
  );
}

/** Its place in a step's `runTimes`: 0 for under 1 ms, 1 for under 2 ms, then doubling. */
export function histogramIndex(wallMs: number): number {
  if (wallMs < 1) return 0;
  return Math.min(Math.floor(Math.log2(wallMs)) + 1, bucketsMax - 1);
}

function bounds(index: number): [low: number, high: number] {
  return index === 0 ? [0, 1] : [2 ** (index - 1), 2 ** index];
}
