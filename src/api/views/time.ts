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

/** Millionths as a decimal text with all that is known: "0.000417". */
export function moneyOf(micros: number | undefined): string | undefined {
  if (micros === undefined) return undefined;
  const whole = Math.round(micros);
  return `${Math.floor(whole / 1e6)}.${String(whole % 1e6).padStart(6, "0")}`;
}
