import { createHash } from "node:crypto";
import type { StepRecord } from "#/model/step.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { TaskReport } from "#/model/wire.ts";
import type { Transaction } from "#/space/space.ts";

/** Whether results of this step may stand for each other. The shuffle lives on machines, and a job in time: never these. */
export function mayReuse({ spec }: StepRecord): boolean {
  const { run, reuse } = spec.template;
  return reuse && !spec.shuffle && !(run.driver === "runner" && run.role === "job");
}

/**
 * The digest of all that determines a task's result: what runs, its input, the content of its files,
 * and what is taken from it. Two projects share nothing, so the project is part of it.
 */
export function memoKeyOf(
  { project, spec }: StepRecord,
  { input, inputBlob }: TaskRecord["spec"],
  files: Readonly<Record<string, string>>,
): string {
  const { run, inputs, outputs } = spec.template;
  const given = inputs.map(({ path, from, executable }) => [
    path,
    "blob" in from ? from.blob : (files[path] ?? null),
    executable === true,
  ]);
  const wanted = outputs.map(({ path, optional }) => [path, optional]);
  const what =
    run.driver === "process"
      ? [run.driver, run.command, Object.entries(run.env).sort(byName), run.stdin]
      : [run.driver, run.module, run.function, run.role];
  return createHash("sha256")
    .update(JSON.stringify([1, project, what, given.sort(byName), wanted.sort(byName)]))
    .update(inputBlob === undefined ? `\ninline\n${input}` : `\nblob\n${inputBlob}`)
    .digest("hex");
}

function byName(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}

/** Keeps a result under its digest, in the commit that records it. */
export function keepMemo(
  tx: Transaction,
  { project, name }: TaskRecord,
  key: string,
  { result, resultBlob, outputs }: TaskReport,
  now: number,
): void {
  tx.archive({
    kind: "memo",
    project,
    name: key,
    spec: { task: name, at: now },
    status: {
      ...(result !== undefined && { result }),
      ...(resultBlob !== undefined && { resultBlob }),
      ...(outputs !== undefined && { outputs }),
    },
  });
}
