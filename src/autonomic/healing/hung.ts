import { limits } from "#/base/limits.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Like } from "./like.ts";

/** An attempt that has run longer than this hangs; undefined when too little is known of its like. */
export function hungAfterMs({ ended, runMs }: Like, slowness: number): number | undefined {
  if (ended < limits.hungEvidenceMin) return undefined;
  const mostMs = runMs.quantileMs(0.99) * Math.max(1, slowness);
  return Math.max(limits.hungMsMin, limits.hungFactor * mostMs);
}

/** Who says how long an attempt may take has said all about it. */
export function mayBeHung({ spec }: Pick<StepRecord, "spec">): boolean {
  return spec.template.timeoutMs === undefined;
}
