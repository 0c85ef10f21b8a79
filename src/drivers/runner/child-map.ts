import { limits } from "#/base/limits.ts";
import { encodeValue } from "#/model/value.ts";
import { Groups, hashOf, isThenable, keyOf, textOf } from "./child-groups.ts";
import { say } from "./child-link.ts";
import type { Definition } from "./child-module.ts";
import { cut, UnserialisableError, type Task } from "./child-task.ts";

/** Values of a key are combined when there are so many, so that a frequent key costs no memory. */
const combineAt = 64;
/** What is held in all groups, roughly, before it is handed over. */
const heldBytesMax = 64 * 1024 * 1024;

type Combine = Definition["combine"];

/**
 * Runs one map task: collects what it emits by key, combines, divides the keys over the partitions and
 * hands each partition over as lines of JSON, "[key, values, key, values, …]".
 */
export function runMap(
  task: Task,
  input: unknown,
  map: NonNullable<Definition["map"]>,
  combine: Combine,
): unknown {
  const groups = new Groups();
  let held = 0;
  let isOver = false;
  const emit = (key: unknown, value: unknown) => {
    if (isOver) throw new Error("emit() was called after its map had ended: await what calls it");
    const group = groups.of(key);
    group.push(value);
    held += weightOf(value);
    if (combine && group.length >= combineAt) {
      held -= (group.length - 1) * 8;
      group.splice(0, group.length, combine(key, group.slice()));
    }
    if (held < heldBytesMax) return;
    handOver(task, groups, combine);
    held = 0;
  };
  const end = () => {
    isOver = true;
    handOver(task, groups, combine);
    return null;
  };
  const mapped = map(input, emit);
  return isThenable(mapped) ? mapped.then(end) : end();
}

function handOver(task: Task, groups: Groups, combine: Combine): void {
  const { partitions: count } = task.step;
  const open = new Map<number, { parts: unknown[]; size: number }>();
  for (const [id, values] of groups.values) {
    const text = textOf(id);
    const partition = hashOf(text) % count;
    let chunk = open.get(partition);
    if (!chunk) open.set(partition, (chunk = { parts: [], size: 0 }));
    const key = keyOf(id);
    chunk.parts.push(key, combine && values.length > 1 ? [combine(key, values)] : values);
    chunk.size += text.length + weightOf(values[0]) * values.length;
    if (chunk.size < limits.shuffleChunkBytes) continue;
    sayChunk(task, partition, chunk.parts);
    open.delete(partition);
  }
  for (const [partition, { parts }] of open) sayChunk(task, partition, parts);
  groups.clear();
}

function sayChunk(task: Task, partition: number, parts: unknown[]): void {
  let text: string;
  try {
    text = encodeValue(parts);
  } catch (thrown) {
    throw new UnserialisableError(
      `emitted what cannot be sent: ${cut((thrown as Error).message, 500)}`,
    );
  }
  if (text.length > 4 * limits.shuffleChunkBytes && parts.length > 2) {
    const half = Math.floor(parts.length / 4) * 2;
    sayChunk(task, partition, parts.slice(0, half));
    sayChunk(task, partition, parts.slice(half));
    return;
  }
  if (text.length > limits.channelLineBytesMax / 4) {
    throw new UnserialisableError(
      `emitted too much at once: a key and its values may take ${limits.channelLineBytesMax / 4} characters`,
    );
  }
  say(`s\t${task.number}\t${partition}\t${text}`);
}

/** A guess at the bytes of a value, quick rather than right. */
function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length + 8;
  return typeof value === "object" ? 64 : 8;
}
