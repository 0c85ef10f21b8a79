import { limits } from "#/base/limits.ts";
import { briefSize } from "#/model/units.ts";
import type { FailureReason } from "#/model/task.ts";
import type { Outcome, Work } from "../driver.ts";
import { failed, usedNothing } from "../outcomes.ts";
import type { Warm, WarmEnd } from "./warm.ts";

/**
 * Who is charged when a runner dies. The task that it was at, if that surely did it: it was the only one
 * ever told to that process, or had run for limits.crashSureMs; or we ended the process because of it.
 * Otherwise nobody is: what an earlier task left behind may have been the cause. The suspect runs again
 * with a fresh process to itself, which makes it sure. What was done but not told runs again among
 * others, and alone if that happens to it twice; what was not begun simply goes back.
 */
export type Verdict = "charged" | "suspect" | "again";

export function verdictOf(
  death: Pick<Warm, "killedFor" | "isExclusive" | "tasksTold"> & { begun: number; ranMs: number },
  number: number,
  work: Work,
): Verdict {
  const isAtIt = number === death.begun || death.isExclusive;
  if (death.killedFor?.work === work && isAtIt) return "charged";
  if (death.killedFor?.work || (number > death.begun && !death.isExclusive)) return "again";
  if (!isAtIt) {
    work.suspected += 1;
    return work.suspected > 1 ? "suspect" : "again";
  }
  if (death.tasksTold === 1 || death.ranMs > limits.crashSureMs) return "charged";
  work.suspected += 2;
  return "suspect";
}

/** How a charged task ends. */
export function chargedWith(
  warm: Pick<Warm, "memoryBytes">,
  end: WarmEnd,
  at: { now: number; ranMs: number; memoryBytesMax: number },
): Outcome {
  const { now, ranMs, memoryBytesMax } = at;
  const { memoryBytes } = warm;
  const usage = {
    ...usedNothing(Math.round(now - ranMs)),
    wallMs: ranMs,
    cpuMs: ranMs,
    memoryBytes,
  };
  const reason: FailureReason = end.broken ? "not-started" : end.reason;
  const exitCode = reason === "exited" ? end.exitCode : undefined;
  const message =
    reason === "out-of-memory"
      ? `It took more memory than its ${briefSize(memoryBytesMax)}`
      : (end.broken?.message ?? end.message);
  return failed(usage, reason, message, exitCode === undefined ? {} : { exitCode });
}
