import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { briefDuration } from "#/model/units.ts";
import type { Work } from "../driver.ts";
import type { Warm } from "./warm.ts";

/** What began more recently is not looked at. */
const fromMs = 5;

/**
 * Looks at one warm process: is its task over its time, has it not heeded a cancel, does it take too much
 * memory, does it hold up others that were told ahead. Gives the work that has to go elsewhere.
 */
export function watch(warm: Warm, clock: Clock, nowMs: number): Work[] {
  if (warm.state === "loading" && nowMs - warm.startedMs > limits.moduleLoadMs) {
    const message = `The module took longer than ${briefDuration(limits.moduleLoadMs)} to load`;
    warm.kill(undefined, "not-started", message);
  }
  const isAtWork = warm.state === "ready" || warm.state === "taken-back";
  if (warm.flights.size === 0 || !isAtWork) return [];
  if (warm.look(nowMs)) {
    warm.kill(undefined, "out-of-memory", "It took more memory than it may");
    return [];
  }
  const ranMs = nowMs - warm.headMs;
  if (ranMs < fromMs) return [];
  const work = warm.at()!;
  const { timeoutMs } = work.brief.spec.template;
  if (timeoutMs !== undefined && ranMs > timeoutMs) {
    timeOut(warm, clock, work, timeoutMs);
    return [];
  }
  if (work.cancelled && warm.cancelMs > 0 && nowMs - warm.cancelMs > limits.cancelGraceMs) {
    warm.kill(work, "cancelled", "It was cancelled");
    return [];
  }
  if (warm.flights.size === 1) return [];
  const back: Work[] = [];
  if (ranMs > limits.runnerSilentMs) back.push(...warm.forgetUntold());
  if (ranMs > limits.runnerStuckMs && warm.state === "ready") back.push(...warm.takeBack());
  return back;
}

/** Results that lie unread would be news: they are read first. */
function timeOut(warm: Warm, clock: Clock, work: Work, timeoutMs: number): void {
  clock.soon(() => {
    if (warm.at() !== work) return;
    warm.kill(work, "timed-out", `It took longer than ${briefDuration(timeoutMs)}`);
  });
}
