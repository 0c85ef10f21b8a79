import { savingLevel } from "#/autonomic/savings/savings.ts";
import { savingsOf } from "#/instances/savings.ts";
import { isDoable } from "#/model/saving.ts";
import type { ExplanationView } from "#/model/views.ts";
import type { DoorParts } from "../parts.ts";

/** What could be saved by ending something, and how far the policy lets Canopy do that; nothing where it serves somebody. */
export function explainedSavings(
  { space, clock }: Pick<DoorParts, "space" | "clock">,
  project: string,
  id: string,
): ExplanationView[] {
  return savingsOf(space, { project, now: clock.now() })
    .filter(({ subject }) => subject === id)
    .flatMap(({ rule, sentence, advice }) => [
      { sentence, advice },
      ...(isDoable(rule)
        ? [{ subject: rule, sentence: `its level is '${savingLevel(space, project, rule)}'` }]
        : []),
    ]);
}
