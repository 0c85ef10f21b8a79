import { join } from "node:path";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { DriverParts, Outcome, Work } from "../driver.ts";
import { failed } from "../outcomes.ts";
import { taskErrorOf, type EndLine } from "./lines.ts";
import type { Warm } from "./warm.ts";

let resultCount = 0;

/** What a runner's line about a task that ended comes to. Only a result that is a blob takes a while. */
export function endingOf(
  parts: DriverParts,
  told: {
    work: Work;
    warm: Warm;
    line: EndLine;
    segments: Uint8Array[][] | undefined;
  },
): Outcome | Promise<Outcome> {
  const { work, warm, segments } = told;
  const { kind, wallMs, cpuMs, text } = told.line;
  const usage: TaskUsage = {
    startedAt: Math.round(warm.heardAt - wallMs),
    wallMs,
    cpuMs,
    memoryBytes: warm.memoryBytes,
    readBytes: work.inputFile?.sizeBytes ?? 0,
    writtenBytes: 0,
  };
  if (kind === "f") return { usage, error: taskErrorOf(text) };
  // User code shares the runner's channel: what is inline there may still be more than may be so.
  if (kind === "r" && text.length > limits.inlineBytesMax)
    return failed(usage, "unserialisable", "Its result is too large to be told as it was");
  const { shuffle } = work.brief.spec;
  const shuffleBytes =
    shuffle?.role === "map"
      ? parts.shuffle.keep(
          work.offer.task,
          segments ?? Array.from({ length: shuffle.partitions }, () => []),
        )
      : undefined;
  const more = shuffleBytes && { shuffleBytes };
  if (kind === "r") return { usage, result: text, ...more };
  return storeResult(parts, work, warm, text, usage);
}

async function storeResult(
  parts: DriverParts,
  work: Work,
  warm: Warm,
  path: string,
  usage: TaskUsage,
): Promise<Outcome> {
  try {
    // User code shares the runner's channel: it may not have us read what is not its own.
    if (!path.startsWith(`${warm.folder}/`) || path.includes(".."))
      throw new Error("it is not where it should be");
    // It may take a while until it is kept, and the runner's folder goes with the runner.
    const own = join(parts.folder, `result-${++resultCount}`);
    await parts.files.rename(path, own);
    const stored = parts.blobs.store(work.brief.project, own);
    const { key, sizeBytes } = await stored.finally(() => parts.files.remove(own));
    return { usage: { ...usage, writtenBytes: sizeBytes }, result: "null", resultBlob: key };
  } catch (thrown) {
    return failed(usage, "output-missing", `Its result could not be stored: ${messageOf(thrown)}`);
  }
}
