import type { Change } from "#/model/record.ts";

/** What a commit did to the task "j1/0/SERIAL": it was put, ready to run, or has failed. */
export function taskChange(op: Change["op"], serial: number, input = "1"): Change {
  return {
    op,
    record: {
      kind: "task",
      project: "default",
      serial,
      name: `j1/0/${serial}`,
      revision: 1,
      spec: { input },
      status: { phase: op === "put" ? "ready" : "failed" },
    },
  };
}

/** So many tasks that are put, from serial `first` on, and one behind them that has failed. */
export function taskChanges(first: number, count: number, input?: string): Change[] {
  const puts = Array.from({ length: count }, (_, at) => taskChange("put", first + at, input));
  return [...puts, taskChange("archive", first + count, input)];
}
