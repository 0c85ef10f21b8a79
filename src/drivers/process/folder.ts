import { dirname, join, normalize } from "node:path";
import { messageOf } from "#/base/errors.ts";
import type { FailureReason } from "#/model/task.ts";
import type { DriverParts, Work } from "../driver.ts";
import { substitute } from "./substitute.ts";

/** Why a task's files are not as declared. */
export class FileFault extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

type Parts = Pick<DriverParts, "files" | "blobs">;

/** Puts a task's declared inputs into its folder; gives their bytes. Throws FileFault. */
export async function stageInputs(
  parts: Parts,
  work: Work,
  folder: string,
  input: unknown,
): Promise<number> {
  let bytes = 0;
  for (const declared of work.brief.spec.template.inputs) {
    const key = "blob" in declared.from ? declared.from.blob : work.offer.files?.[declared.path];
    if (key === undefined) {
      const { step, output } = declared.from as { step: string; output: string };
      throw new FileFault(
        "input-missing",
        `The input '${declared.path}' cannot be had: '${step}' left no '${output}'`,
      );
    }
    const path = inside(folder, substitute(declared.path, input));
    try {
      const { path: kept, sizeBytes } = await parts.blobs.fetch(work.brief.project, key);
      await parts.files.makeFolder(dirname(path));
      await parts.files.copy(kept, path);
      await parts.files.setMode(path, declared.executable ? 0o755 : 0o644);
      bytes += sizeBytes;
    } catch (thrown) {
      throw new FileFault(
        "input-missing",
        `The input '${declared.path}' cannot be had: ${messageOf(thrown)}`,
      );
    }
  }
  return bytes;
}

/**
 * Makes blobs of a task's declared outputs. They are named by their paths as declared, before any
 * substitution, as that is how steps after name them. Throws FileFault.
 */
export async function collectOutputs(
  parts: Parts,
  work: Work,
  folder: string,
  input: unknown,
): Promise<{ outputs: Record<string, string>; bytes: number }> {
  const outputs: Record<string, string> = {};
  let bytes = 0;
  for (const declared of work.brief.spec.template.outputs) {
    const path = inside(folder, substitute(declared.path, input));
    const found = await parts.files.stat(path);
    if (!found || found.isFolder) {
      if (declared.optional) continue;
      const what = found ? "is a folder" : "is not there";
      throw new FileFault("output-missing", `The output '${declared.path}' ${what}`);
    }
    try {
      const { key, sizeBytes } = await parts.blobs.store(work.brief.project, path);
      outputs[declared.path] = key;
      bytes += sizeBytes;
    } catch (thrown) {
      throw new FileFault(
        "output-missing",
        `The output '${declared.path}' could not be stored: ${messageOf(thrown)}`,
      );
    }
  }
  return { outputs, bytes };
}

/** An input may name a path by substitution; it stays inside the task's folder all the same. */
function inside(folder: string, path: string): string {
  const full = normalize(join(folder, path));
  if (full.startsWith(`${folder}/`)) return full;
  throw new FileFault("not-started", `The path '${path}' leaves the task's folder`);
}
