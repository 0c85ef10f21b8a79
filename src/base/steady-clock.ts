import type { Clock } from "./clock.ts";

/**
 * A clock whose `now` begins as that of `clock` and goes on as time does, whoever sets the wall clock
 * meanwhile: for what is paid by the hour, or due at an instant.
 */
export function steadyClock(clock: Clock): Clock {
  const offsetMs = clock.now() - clock.monotonicMs();
  return {
    now: () => offsetMs + clock.monotonicMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, action, background) => clock.after(delayMs, action, background),
    soon: (action) => clock.soon(action),
  };
}
