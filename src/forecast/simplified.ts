import { bare } from "#/autonomic/knowledge/arrivals.ts";
import { gridSize } from "#/model/grid.ts";
import { hasStepEnded, type Source, type StepRecord } from "#/model/step.ts";

/**
 * A step as a fork has it: with as many tasks, of the same needs and in the same order, that read and
 * write nothing. Tasks that somebody may still add are not known, and the step counts as complete:
 * `isPartial` says so.
 */
export function simplified(step: StepRecord): { record: StepRecord; isPartial: boolean } {
  const spec = bare(step.spec);
  const total = hasStepEnded(step) || step.status.closed ? step.status.offered : totalOf(step);
  const isComplete = total === undefined || total <= step.status.offered;
  const record: StepRecord = {
    ...step,
    spec: isComplete ? spec : { ...spec, source: tasksUpTo(total) },
    status: { ...step.status, closed: step.status.closed || isComplete },
  };
  return { record, isPartial: total === undefined };
}

/** A source of so many tasks. */
export function tasksUpTo(total: number): Source {
  return { type: "grid", parameters: { index: { from: 1, to: total } } };
}

/** Tasks that it will have; for a grid too only their number matters. */
function totalOf({ spec: { source }, status }: StepRecord): number | undefined {
  if (source.type === "inputs") return source.inputs.length;
  if (source.type === "grid") return gridSize(source.parameters);
  return status.total;
}
