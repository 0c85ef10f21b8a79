import type { AnyRecord } from "#/model/record.ts";
import { readyStatus, taskName } from "#/model/task.ts";
import { recordsOfAutonomy } from "./autonomy.ts";
import type { Moment } from "./moment.ts";

/** All records that a fork of a moment begins with. */
export function recordsOf(moment: Moment): AnyRecord[] {
  const { projects, machines, jobs, steps, fresh, tried, autonomy } = moment;
  const records: AnyRecord[] = [...projects, ...machines];
  if (autonomy) records.push(...recordsOfAutonomy(autonomy));
  // what nobody in the fork could add is complete as it is
  for (const job of jobs)
    records.push(
      job.status.open && job.spec.mainStep === undefined
        ? { ...job, status: { ...job.status, open: false } }
        : job,
    );
  records.push(...steps, ...tried);
  const projectOf = new Map(steps.map(({ name, project }) => [name, project]));
  for (const [step, indexes] of fresh) {
    const project = projectOf.get(step)!;
    for (const index of indexes) {
      const name = taskName(step, index);
      const serial = records.length;
      records.push({
        kind: "task",
        project,
        serial,
        name,
        revision: 1,
        spec: anyInput,
        status: readyStatus,
      });
    }
  }
  return records;
}

const anyInput = Object.freeze({ input: "null" });
