import type { Result } from "../result.ts";
import { tableText } from "../table.ts";
import { jobColumns } from "../verbs/ps.ts";
import { machineColumns } from "../verbs/machines.ts";
import type { Look } from "./look.ts";

/** What `canopy top --once` gives. */
export function tops(seen: Look, nowMs: number): Result {
  return {
    type: "text",
    value: seen,
    text: (out) =>
      `${tableText(seen.machines, machineColumns(nowMs), out)}\n${tableText(seen.jobs, jobColumns(nowMs, seen.status), out)}`,
  };
}
