/** The last that a date can tell (ECMA-262, 21.4.1.1). */
const latestMs = 8.64e15;

/** RFC 3339 in UTC; a time beyond all dates, which only a broken clock tells, as the nearest one. */
export function instantOf(ms: number): string {
  return new Date(Math.max(-latestMs, Math.min(ms, latestMs))).toISOString();
}

/** The same where there may be none. */
export function maybeInstant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : instantOf(ms);
}
