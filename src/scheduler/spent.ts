import type { Clock } from "#/base/clock.ts";
import type { TaskUsage, Usage } from "#/model/usage.ts";
import type { Board } from "./board.ts";
import type { Meter } from "./session.ts";
import type { Lease } from "./state.ts";

/**
 * What an attempt has used that is ended from here: how long it ran, as nobody reports the rest. Its CPU
 * time and memory stay unknown, and count as none.
 */
export function usageSoFar(clock: Clock, { sinceMs, begunMs = sinceMs }: Lease): TaskUsage {
  const wallMs = Math.max(0, Math.round(clock.monotonicMs() - begunMs));
  return {
    startedAt: Math.round(clock.now() - wallMs),
    wallMs,
    cpuMs: 0,
    memoryBytes: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
}

/** What that has cost. */
export function spentSoFar({ clock, space }: Board, meter: Meter, lease: Lease): Usage {
  const { needs } = space.get("step", lease.step.name)!.spec.template;
  return meter(usageSoFar(clock, lease), needs, lease.machine.record);
}
