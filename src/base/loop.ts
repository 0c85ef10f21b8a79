import type { Clock, Timer } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

/** A controller that runs its turn when woken, and at the latest every `everyMs`. */
export interface Loop {
  /** Asks for a turn soon. Many calls before that turn make one turn. */
  wake(): void;
  stop(): void;
}

/**
 * Makes a loop of an idempotent `turn`. A loop looks again and does the same thing, whether woken
 * or timed. It rests between turns (a turn that wakes itself by its own commit does not starve the
 * process), never runs two turns at once, and a turn that throws is logged and tried again.
 */
export function startLoop(
  name: string,
  turn: () => void | Promise<void>,
  parts: { clock: Clock; log: Log; everyMs: number },
): Loop {
  const { clock, log, everyMs } = parts;
  let state: "resting" | "due" | "running" | "stopped" = "resting";
  let again = false;
  let timer: Timer = clock.after(everyMs, wake, true);

  function wake(): void {
    if (state === "running") again = true;
    if (state !== "resting") return;
    state = "due";
    timer.cancel();
    clock.soon(run);
  }

  async function run(): Promise<void> {
    if (state !== "due") return;
    state = "running";
    again = false;
    let delayMs = everyMs;
    try {
      await turn();
    } catch (thrown) {
      log.error(`the loop '${name}' failed a turn and will try again`, {
        error: messageOf(thrown),
      });
      delayMs = Math.min(everyMs, 1000);
    }
    if (ended()) return;
    state = "resting";
    timer = clock.after(delayMs, wake, true);
    if (again) wake();
  }

  const ended = () => state === "stopped";
  return {
    wake,
    stop() {
      state = "stopped";
      timer.cancel();
    },
  };
}
