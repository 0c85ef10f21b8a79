import type { Clock } from "./clock.ts";

export interface SteadyClock extends Clock {
  /** How far the wall clock was set forward since the start, or since `align`; below 0 when it was set back. */
  behindMs(): number;
  /** Tells the wall clock's time from now on: whoever keeps instants of before has moved them. */
  align(): void;
}

/**
 * A clock whose `now` begins as that of `clock` and goes on as time does, whoever sets the wall clock
 * meanwhile: for what is paid by the hour, or due at an instant.
 */
export function steadyClock(clock: Clock): SteadyClock {
  const wallOffsetMs = () => clock.now() - clock.monotonicMs();
  let offsetMs = wallOffsetMs();
  return {
    behindMs: () => wallOffsetMs() - offsetMs,
    align: () => void (offsetMs = wallOffsetMs()),
    now: () => Math.floor(offsetMs + clock.monotonicMs()),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, action, background) => clock.after(delayMs, action, background),
    soon: (action) => clock.soon(action),
  };
}
