import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeClock } from "#/base/node/clock.ts";
import type { Change, Kind, RecordOfKind } from "#/model/record.ts";
import { indexOfTask, type TaskRecord } from "#/model/task.ts";
import { IndexSet } from "./index-set.ts";
import { tellInFinishOrder } from "./results-stream.ts";

const step = "job-1/0";

function ended(index: number): TaskRecord {
  const status = { phase: "succeeded", result: String(index) };
  return { kind: "task", name: `${step}/${index}`, status } as TaskRecord;
}

/** A step of `offered` tasks, the last of which has ended, and a log that a test answers for. */
function world(
  offered: number,
  findTasks: (names: string[]) => Promise<(TaskRecord | undefined)[]>,
) {
  let listener: (changes: Change[]) => void = () => {};
  const status = { phase: "running", offered, succeeded: 1, failed: 0, cancelled: 0 };
  const space = {
    get: () => undefined,
    count: () => 0,
    durable: () => Promise.resolve(),
    async find<K extends Kind>(kind: K, names: string[]) {
      const found = kind === "step" ? [{ kind, name: step, status }] : await findTasks(names);
      return found as unknown as RecordOfKind<K>[];
    },
  };
  const onStep = (_: string, listen: typeof listener) => {
    listener = listen;
    return () => {};
  };
  const end = (index: number) => {
    status.succeeded++;
    if (status.succeeded === offered) status.phase = "succeeded";
    listener([{ op: "archive", record: ended(index) } as Change]);
  };
  return { parts: { space, feed: { onStep }, clock: nodeClock }, end };
}

function reader() {
  const lines: string[] = [];
  const write = (text: string) => void lines.push(...text.split("\n").filter(Boolean));
  const closed = new AbortController().signal;
  const stream = { closed, isClosed: false, isFull: false, write, ready: () => Promise.resolve() };
  return { lines, stream };
}

test("what ends while the last of a queue is read from the log is told too, before the end", async () => {
  const { lines, stream } = reader();
  let reads = 0;
  const { parts, end } = world(4, async (names) => {
    reads++;
    if (reads === 1) {
      end(0); // while it looks for what was before: it waits in the queue
      return [undefined, undefined, undefined, ended(3)];
    }
    if (reads === 2) {
      end(1); // while the queue is told
      end(2);
    }
    return names.map((name) => ended(indexOfTask(name)));
  });
  await tellInFinishOrder(parts, stream, step, new IndexSet());
  assert.deepEqual(
    lines.slice(0, -1).sort(),
    [0, 1, 2, 3].map((n) => `{"index":${n},"result":${n}}`),
  );
  assert.match(lines.at(-1)!, /"end"/);
});
