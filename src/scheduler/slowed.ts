import type { Clock } from "#/base/clock.ts";
import type { StepState } from "./state.ts";

/** Its tasks are handed out one by one, with so much time between; as all others when undefined. False when that is so already. */
export function setPace(step: StepState, everyMs: number | undefined): boolean {
  if (step.slowed?.everyMs === everyMs) return false;
  const nextMs = step.slowed?.nextMs ?? 0;
  step.slowed = everyMs === undefined ? undefined : { everyMs, nextMs };
  return true;
}

/** Whether it is too early for the next one. */
export function isResting({ slowed }: StepState, nowMs: number): boolean {
  return slowed !== undefined && nowMs < slowed.nextMs;
}

/** One of a slowed step was handed out: `wake` is called when the next one may be. */
export function rest(step: StepState, clock: Clock, isBackground: boolean, wake: () => void): void {
  const { everyMs } = step.slowed!;
  step.slowed = { everyMs, nextMs: clock.monotonicMs() + everyMs };
  const woken = () => {
    const nowMs = clock.monotonicMs();
    // a timer may be a little early: then it is set once more
    if (isResting(step, nowMs)) clock.after(step.slowed!.nextMs - nowMs, woken, isBackground);
    else wake();
  };
  clock.after(everyMs, woken, isBackground);
}
