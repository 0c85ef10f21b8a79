import { decisionName, type DecisionSpec } from "#/model/decision.ts";
import type { Transaction } from "#/space/space.ts";

/** Writes down why something is done about an instance, a volume or a request, in the same commit as that. */
export function decide(
  tx: Transaction,
  about: { project: string; name: string },
  spec: DecisionSpec,
): void {
  const { project } = about;
  const name = decisionName(about.name, spec);
  tx.archive<"decision">({ kind: "decision", project, name, spec, status: {} });
}
