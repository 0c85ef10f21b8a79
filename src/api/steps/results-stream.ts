import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { hasTaskEnded, indexOfTask, taskName, type TaskRecord } from "#/model/task.ts";
import type { StepRecord } from "#/model/step.ts";
import type { ResultLine } from "#/model/views.ts";
import type { Space } from "#/space/space.ts";
import { Bell } from "../streams/bell.ts";
import type { Feed } from "../streams/feed.ts";
import type { OpenStream } from "../streams/open-stream.ts";
import { finalErrorOf } from "../views/tasks.ts";
import type { IndexSet } from "./index-set.ts";

/**
 * The results of a step, live. A task that ends is archived, so results come from two places: the
 * changes of each durable batch, which are in memory and cost next to nothing, and the log, which is
 * asked for what was before, or came while the reader was slow. A stream is subscribed to the changes
 * before it looks at the log, so nothing falls between the two; what it has told is remembered (by a
 * bit per task, or by how far it has come), so nothing is told twice; and what it could not tell at
 * once is kept as an index or not at all, so that a reader who stops reading costs no memory.
 */
interface Parts {
  space: Pick<Space, "get" | "find" | "count" | "durable">;
  feed: Pick<Feed, "onStep">;
  clock: Pick<Clock, "soon">;
}

type Reader = Pick<OpenStream, "closed" | "isClosed" | "isFull" | "write" | "ready">;

/** In the order in which tasks end; not those in `told`. */
export async function tellInFinishOrder(
  { space, feed, clock }: Parts,
  stream: Reader,
  step: string,
  told: IndexSet,
): Promise<void> {
  const bell = new Bell();
  const queue = new Set<number>();
  let isLive = false;
  const stop = feed.onStep(step, (changes) => {
    let text = "";
    for (const { op, record } of changes) {
      if (record.kind !== "task") continue;
      const index = indexOfTask(record.name);
      if (op === "restore") {
        told.delete(index); // it runs again, and is told again
        queue.delete(index);
      }
      if (op !== "archive" || !told.add(index)) continue;
      if (isLive && !stream.isFull) text += lineOf(index, record);
      else queue.add(index);
    }
    stream.write(text);
    bell.ring();
  });
  stream.closed.addEventListener("abort", () => bell.ring());
  try {
    for (let from = 0; ; from += limits.archivePageTasks) {
      const { offered, succeeded, failed, cancelled } = await readStep(space, step);
      // As many told as have ended: what ends from here on comes with the changes.
      if (from >= offered || told.size >= succeeded + failed + cancelled || stream.isClosed) break;
      await new Promise<void>((resolve) => clock.soon(resolve)); // a million that wait take a while to pass over
      const missing: number[] = [];
      for (let index = from; index < Math.min(offered, from + limits.archivePageTasks); index++) {
        if (!told.has(index) && !isLiveTask(space, step, index)) missing.push(index);
      }
      await tellArchived(space, stream, step, missing, told);
    }
    while (!stream.isClosed) {
      // What comes while a page is told joins the queue: nothing is awaited between its end and "live".
      while (queue.size > 0 && !stream.isClosed) {
        const page = [...queue].slice(0, limits.archivePageTasks);
        for (const index of page) queue.delete(index);
        await tellArchived(space, stream, step, page);
      }
      isLive = true;
      const end = await endLine(space, step, () => told.size);
      if (queue.size > 0) continue; // of what came meanwhile
      if (end !== undefined) return stream.write(end);
      await bell.wait();
      if (stream.isFull) await stream.ready();
    }
  } finally {
    stop();
  }
}

/** By index, from `from` on: each as soon as all before it have been told. */
export async function tellInIndexOrder(
  { space, feed }: Parts,
  stream: Reader,
  step: string,
  from: number,
): Promise<void> {
  const bell = new Bell();
  const ahead = new Map<number, string>();
  let aheadBytes = 0;
  let next = from;
  let isLooking = false;
  const forget = (index: number) => {
    aheadBytes -= ahead.get(index)?.length ?? 0;
    ahead.delete(index);
  };
  const takeAhead = () => {
    let text = "";
    for (let line = ahead.get(next); line !== undefined; line = ahead.get(next)) {
      ahead.delete(next);
      aheadBytes -= line.length;
      text += line;
      next += 1;
    }
    return text;
  };
  const stop = feed.onStep(step, (changes) => {
    for (const { op, record } of changes) {
      if (record.kind !== "task") continue;
      const index = indexOfTask(record.name);
      if (op === "restore") forget(index);
      if (op !== "archive") continue;
      if (index < next || ahead.has(index) || aheadBytes > limits.resultsAheadBytesMax) continue;
      const line = lineOf(index, record);
      ahead.set(index, line);
      aheadBytes += line.length;
    }
    if (!isLooking && !stream.isFull) stream.write(takeAhead());
    bell.ring();
  });
  stream.closed.addEventListener("abort", () => bell.ring());
  try {
    while (!stream.isClosed) {
      stream.write(takeAhead());
      isLooking = true;
      const { offered } = await readStep(space, step);
      const page: number[] = [];
      for (let index = next; index < offered && page.length < limits.archivePageTasks; index++) {
        if (ahead.has(index) || isLiveTask(space, step, index)) break;
        page.push(index);
      }
      if (page.length > 0) {
        const lines = await readLines(space, step, page);
        // The changes may have brought some of them meanwhile.
        page.slice(0, lines.length).forEach(forget);
        next += lines.length;
        stream.write(lines.join(""));
        isLooking = false;
        await stream.ready();
        if (lines.length === page.length) continue;
      }
      isLooking = false;
      if (ahead.has(next)) continue;
      const end = await endLine(space, step, () => next);
      if (end !== undefined) return stream.write(end);
      await bell.wait();
      await stream.ready();
    }
  } finally {
    stop();
  }
}

/** False for a task that has been archived, and for one that is not there yet. */
function isLiveTask(space: Parts["space"], step: string, index: number): boolean {
  return space.count("task", step) > 0 && space.get("task", taskName(step, index)) !== undefined;
}

/** Tells those of `indexes` that have ended; adds them to `told` when given. */
async function tellArchived(
  space: Parts["space"],
  stream: Reader,
  step: string,
  indexes: number[],
  told?: IndexSet,
): Promise<void> {
  if (indexes.length === 0) return;
  const tasks = await space.find(
    "task",
    indexes.map((index) => taskName(step, index)),
  );
  let text = "";
  for (const [at, task] of tasks.entries()) {
    const index = indexes[at]!;
    if (task && hasTaskEnded(task) && (!told || told.add(index))) text += lineOf(index, task);
  }
  stream.write(text);
  await stream.ready();
}

/** The lines of `indexes`, up to the first that has not ended. */
async function readLines(
  space: Parts["space"],
  step: string,
  indexes: number[],
): Promise<string[]> {
  const tasks = await space.find(
    "task",
    indexes.map((index) => taskName(step, index)),
  );
  const lines: string[] = [];
  for (const [at, task] of tasks.entries()) {
    if (!task || !hasTaskEnded(task)) break;
    lines.push(lineOf(indexes[at]!, task));
  }
  return lines;
}

/** One result as a line; the task's own JSON goes in as it is. */
function lineOf(index: number, task: TaskRecord): string {
  const { phase, result = "null", resultBlob, outputs } = task.status;
  if (phase !== "succeeded")
    return `${JSON.stringify({ index, error: finalErrorOf(task) } satisfies ResultLine)}\n`;
  if (resultBlob !== undefined) return `{"index":${index},"resultBlob":"${resultBlob}"}\n`;
  if (outputs !== undefined)
    return `{"index":${index},"result":${result},"outputs":${JSON.stringify(outputs)}}\n`;
  return `{"index":${index},"result":${result}}\n`;
}

async function readStep(space: Parts["space"], name: string): Promise<StepRecord["status"]> {
  const [step] = await space.find("step", [name]);
  if (step) return step.status;
  throw new CanopyError("not-found", `Cannot find the step '${name}' any more`);
}

/** The last line, once the step has durably ended and every task that it will ever have has been told. */
async function endLine(
  space: Parts["space"],
  name: string,
  told: () => number,
): Promise<string | undefined> {
  const status = await readStep(space, name);
  const { phase, offered, succeeded, failed, cancelled, reason } = status;
  if (phase === "running" || phase === "blocked") return undefined;
  await space.durable();
  if (told() < offered) return undefined;
  const end = {
    phase,
    offered,
    succeeded,
    failed,
    cancelled,
    ...(reason !== undefined && { reason }),
  };
  return `${JSON.stringify({ end } satisfies ResultLine)}\n`;
}
