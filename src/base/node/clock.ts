import { performance } from "node:perf_hooks";
import type { Clock } from "../clock.ts";

/** The machine's clock. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, action, background) {
    const handle = setTimeout(action, Math.min(Math.max(delayMs, 0), 2 ** 31 - 1));
    if (background) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  soon: (action) => void setImmediate(action),
};
