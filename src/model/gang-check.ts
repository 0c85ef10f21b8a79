import { limits } from "#/base/limits.ts";
import type { Fault } from "./job-check.ts";
import type { StepRequest } from "./job-request.ts";

/** What keeps a step's tasks from running as a gang. `tasks` is how many there will be, where that is known. */
export function faultsOfGang(step: StepRequest, tasks: number | undefined): Fault[] {
  const { name, gang, run, source, reuse } = step;
  if (gang === undefined || gang === false) return [];
  const fault = (path: (string | number)[], rule: string, hint: string): Fault[] => [
    { path, message: `Cannot run the tasks of '${name}' as a gang as ${rule}`, hint },
  ];
  if (run.driver === "runner" && run.role !== "task")
    return fault(
      ["gang"],
      `that is for plain tasks: these have the role '${run.role}'`,
      "Remove 'gang'",
    );
  if (reuse)
    return fault(
      ["reuse"],
      "results of a gang must not be reused: 'reuse' is set",
      "Remove 'reuse'",
    );
  if (source.type === "lines")
    return fault(
      ["source"],
      "how many there are must be known before they run: the source is a file of lines",
      "List the inputs, or give a grid",
    );
  if (tasks !== undefined && tasks > limits.gangTasksMax)
    return fault(
      ["source"],
      `a gang must have at most ${limits.gangTasksMax} tasks: it would have ${tasks}`,
      "Give more work to fewer tasks",
    );
  const { minimum } = gang === true ? {} : gang;
  if (tasks !== undefined && minimum !== undefined && minimum > tasks)
    return fault(
      ["gang", "minimum"],
      `its minimum must be at most the number of its tasks (${tasks}): it is ${minimum}`,
      "Make it smaller, or leave it out: then all of them run at once",
    );
  return [];
}
