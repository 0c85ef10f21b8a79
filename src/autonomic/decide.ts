import { decisionName, type DecisionRecord, type DecisionSpec } from "#/model/decision.ts";
import type { Space, Transaction } from "#/space/space.ts";

/**
 * Writes a decision down in the same commit as what is done, so that there is never one without the
 * other; gives its name. It goes straight to the log: `space.archived("decision", { prefix: "j…/" })` finds it.
 */
export function decide(
  tx: Transaction,
  about: { project: string; name: string },
  decision: DecisionSpec,
): string {
  const name = decisionName(about.name, decision);
  tx.archive<"decision">({
    kind: "decision",
    project: about.project,
    name,
    spec: decision,
    status: {},
  });
  return name;
}

/** Decisions about something, the newest first, after the one named `before`: up to one more than `limit`. */
export function decisionsAbout(
  space: Pick<Space, "archived">,
  name: string,
  limit: number,
  before?: string,
): Promise<DecisionRecord[]> {
  const prefix = `${name}/`;
  return space.archived("decision", {
    prefix,
    limit: limit + 1,
    ...(before !== undefined && { before }),
  });
}

/** What a decision of that name is about: "j…", "fleet:default". */
export function subjectOf(decision: string): string {
  return /^(.*?)\/[0-9a-z]{10}\./.exec(decision)?.[1] ?? decision;
}
