import type { DecisionRecord } from "#/model/decision.ts";
import type { ExplanationView } from "#/model/views.ts";
import { instantOf } from "./time.ts";

/** A decision as one of the reasons, and what it says of each thing that could have been done instead. */
export function explainedDecision({ spec }: DecisionRecord): ExplanationView[] {
  const { at, what, why, flip, subject, others = [] } = spec;
  return [
    {
      ...(subject !== undefined && { subject }),
      sentence: `Canopy ${what} at ${instantOf(at)}: ${why.join("; ")}`,
      ...(flip !== undefined && { flip }),
    },
    ...others.map(({ what: other, whyNot }) => ({
      subject: other,
      sentence: `it was considered and not taken: ${whyNot}`,
    })),
  ];
}
