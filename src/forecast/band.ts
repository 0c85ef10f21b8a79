/** Of what will be: one time in ten below `p10`, as often below as above `p50`, one time in ten above `p90`. */
export interface Band {
  p10: number;
  p50: number;
  p90: number;
}

/** The band of samples of one thing; undefined for none. A band of few samples reaches from the least to the most. */
export function bandOf(samples: readonly number[]): Band | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  return { p10: at(sorted, 0.1), p50: at(sorted, 0.5), p90: at(sorted, 0.9) };
}

/**
 * The k-th of n samples is one that k/(n+1) of all others like them stay below, in the mean (R. J.
 * Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996, definition 6).
 */
function at(sorted: readonly number[], share: number): number {
  const place = Math.min(Math.max(share * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const low = Math.floor(place);
  const from = sorted[low]!;
  const to = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return from === to ? from : from + (place - low) * (to - from);
}
