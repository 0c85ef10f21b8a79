import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { MadeStore } from "#/objects/held-objects.ts";
import type { SpaceLog } from "#/space/log.ts";
import type { Contents } from "./contents.ts";

/** What was put back. */
export interface Restored {
  live: number;
  archived: number;
  blobs: number;
  /** Absent where none are in it, or none were asked for. */
  objects?: number;
}

/**
 * Where a log that keeps count of its batches itself must begin, to be restored into: after a batch of
 * nothing, so that who had read all up to that of the backup begins anew.
 */
export function beginsAfter({ sequence }: { sequence: number }): number {
  return sequence + 1;
}

/**
 * Puts a backup into a log and stores of blobs and objects that are empty. Records are written by serial, as
 * they were first made: the log finds tasks by the runs in which they came.
 */
export async function restore(
  contents: Contents,
  { log, blobs, objects }: { log: SpaceLog; blobs: Blobs; objects?: MadeStore | undefined },
): Promise<Restored> {
  const { manifest } = contents;
  const { sequence, records } = await log.load();
  const isMadeForIt = sequence === beginsAfter(manifest) && [...records].length === 0;
  if (sequence > 0 && !isMadeForIt)
    throw new CanopyError(
      "conflict",
      `Cannot restore as the log must be empty: it ends at ${sequence}`,
    );
  const restored: Restored = { live: 0, archived: 0, blobs: 0 };
  const { serial } = manifest;
  const writer = new Writer(log, { serial, sequence: Math.max(sequence, manifest.sequence) });
  for await (const { op, record } of finalRecords(contents)) {
    restored[op === "archive" ? "archived" : "live"]++;
    await writer.add(op, record);
  }
  await writer.end();
  for (const { project, key, content } of contents.blobs()) {
    const put = await blobs.put(project, content);
    if (put.key !== key)
      throw new CanopyError("damaged", `Cannot restore the blob ${key} as its content is another`);
    restored.blobs++;
  }
  if (manifest.objects && objects) {
    for await (const { name, content } of contents.objects()) await objects.add(name, content);
    restored.objects = (await objects.finish(manifest.objects)).objects;
  }
  return restored;
}

/** Every record as it was at the end of the backup, by serial. */
async function* finalRecords(contents: Contents): AsyncGenerator<Change> {
  const last = new Map<number, Change>();
  for await (const change of contents.changes()) last.set(change.record.serial, change);
  const others: AnyRecord[] = [];
  const isUnchanged = (record: AnyRecord) => !last.has(record.serial);
  const tasks = contents.archivedTasks((record) => others.push(record));
  // Archived records other than tasks are known only when all tasks were read: of these there are few.
  const archivedOthers = async function* () {
    others.sort((a, b) => a.serial - b.serial);
    for (const record of others) if (isUnchanged(record)) yield { op: "archive", record } as const;
  };
  const base = merge(
    withOp("put", contents.live(), isUnchanged),
    withOp("archive", tasks, isUnchanged),
  );
  const changed = [...last.values()]
    .filter(({ op }) => op !== "delete")
    .sort((a, b) => a.record.serial - b.record.serial)
    .map(({ op, record }): Change => ({ op: op === "archive" ? op : "put", record }));
  yield* merge(base, each(changed));
  yield* archivedOthers();
}

async function* withOp(
  op: Change["op"],
  records: AsyncIterable<AnyRecord>,
  isWanted: (record: AnyRecord) => boolean,
): AsyncGenerator<Change> {
  let newest = 0;
  for await (const record of records) {
    // A page that was read while tasks came back may hold one twice.
    if (record.serial <= newest || !isWanted(record)) continue;
    newest = record.serial;
    yield { op, record };
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Two streams by serial as one. */
async function* merge(
  left: AsyncGenerator<Change>,
  right: AsyncGenerator<Change>,
): AsyncGenerator<Change> {
  let [a, b] = [await left.next(), await right.next()];
  while (!a.done || !b.done) {
    if (!a.done && (b.done || a.value.record.serial < b.value.record.serial)) {
      yield a.value;
      a = await left.next();
    } else if (!b.done) {
      yield b.value;
      b = await right.next();
    }
  }
}

/** Gathers changes into batches, numbered on from where the backup ended, so that a watcher of before sees no old number again. */
class Writer {
  #log: SpaceLog;
  #sequence: number;
  #serial: number;
  #changes: Change[] = [];

  constructor(log: SpaceLog, { sequence, serial }: { sequence: number; serial: number }) {
    this.#log = log;
    this.#sequence = sequence;
    this.#serial = serial;
  }

  async add(op: Change["op"], record: AnyRecord): Promise<void> {
    // A log learns of a record by its first revision.
    if (record.revision > 1)
      this.#changes.push({ op: "put", record: { ...record, revision: 1 } as AnyRecord });
    this.#changes.push({ op, record });
    if (this.#changes.length >= limits.appendBatchTasksMax) await this.end();
  }

  async end(): Promise<void> {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    await this.#log.append({ sequence: ++this.#sequence, serial: this.#serial, changes });
  }
}
