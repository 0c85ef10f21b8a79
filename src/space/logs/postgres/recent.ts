import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";

/**
 * What this leader has archived of late. Results are mostly asked for as soon as they are there, and nobody
 * but the leader changes them, so that most are answered without the database.
 */
export class Recent {
  #ended = new Map<string, { record: AnyRecord; bytes: number }>();
  #bytes = 0;

  /** Takes in what was appended; `encoded` are the same records as they were written. */
  note(changes: readonly Change[], encoded: readonly string[]): void {
    for (const [index, { op, record }] of changes.entries()) {
      const key = keyOf(record.kind, record.name);
      this.#drop(key);
      if (op !== "archive") continue;
      const bytes = encoded[index]!.length;
      this.#ended.set(key, { record, bytes });
      this.#bytes += bytes;
    }
    for (const key of this.#ended.keys()) {
      if (this.#bytes <= limits.recentlyEndedBytesMax) return;
      this.#drop(key);
    }
  }

  get<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined {
    return this.#ended.get(keyOf(kind, name))?.record as RecordOfKind<K> | undefined;
  }

  clear(): void {
    this.#ended.clear();
    this.#bytes = 0;
  }

  #drop(key: string): void {
    const known = this.#ended.get(key);
    if (!known) return;
    this.#ended.delete(key);
    this.#bytes -= known.bytes;
  }
}

function keyOf(kind: Kind, name: string): string {
  return `${kind} ${name}`;
}
