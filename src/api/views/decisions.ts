import { decisionsAbout } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import type { DecisionRecord } from "#/model/decision.ts";
import type { ExplanationView } from "#/model/views.ts";
import type { Space } from "#/space/space.ts";
import { instantOf } from "./time.ts";

/** Decisions about a job among which those about one of its tasks are looked for: the last ones. */
const searched = 500;

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

/** What was decided about one task of a job, the newest first. */
export async function decisionsAboutTask(
  space: Pick<Space, "archived">,
  job: string,
  task: string,
): Promise<ExplanationView[]> {
  const found = await decisionsAbout(space, job, searched);
  return found
    .filter(({ spec }) => spec.subject === task)
    .slice(0, limits.decisionsShown)
    .flatMap((one) => explainedDecision(one));
}
