import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BucketUse } from "../object-store.ts";

export interface BucketEntry extends BucketUse {
  number: number;
  isChanged: boolean;
}

/** What the index knows of each bucket, in memory from when it is first asked for; what changes is written with a commit. */
export class BucketEntries {
  #known = new Map<string, BucketEntry>();
  #statements: ReturnType<typeof prepare>;

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  get(id: string): BucketEntry | undefined {
    const known = this.#known.get(id);
    if (known) return known;
    const row = this.#statements.get.get(id);
    if (!row) return undefined;
    const entry = {
      number: row["number"] as number,
      objects: row["objects"] as number,
      bytes: row["bytes"] as number,
      isChanged: false,
    };
    this.#known.set(id, entry);
    return entry;
  }

  /** The bucket's entry, made if needed; to be changed in a transaction. */
  change(id: string): BucketEntry {
    let entry = this.get(id);
    if (!entry) {
      const number = this.#statements.add.run(id).lastInsertRowid as number;
      entry = { number, objects: 0, bytes: 0, isChanged: true };
      this.#known.set(id, entry);
    }
    entry.isChanged = true;
    return entry;
  }

  drop(id: string): void {
    this.#statements.drop.run(id);
    this.#known.delete(id);
  }

  /** Of what was written. */
  total(): BucketUse {
    const { objects, bytes } = this.#statements.total.get()!;
    return { objects: objects as number, bytes: bytes as number };
  }

  /** Before a commit; `committed` after it. */
  write(): void {
    for (const [id, entry] of this.#known) {
      if (!entry.isChanged) continue;
      this.#statements.set.run(entry.number, id, entry.objects, entry.bytes);
    }
  }

  committed(): void {
    for (const entry of this.#known.values()) entry.isChanged = false;
  }

  /** What is in memory holds no more: the transaction was rolled back. */
  forget(): void {
    this.#known.clear();
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    get: sql("SELECT number, objects, bytes FROM buckets WHERE id = ?"),
    add: sql("INSERT INTO buckets (id, objects, bytes) VALUES (?, 0, 0)"),
    set: sql("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)"),
    drop: sql("DELETE FROM buckets WHERE id = ?"),
    total: sql(
      "SELECT coalesce(sum(objects), 0) AS objects, coalesce(sum(bytes), 0) AS bytes FROM buckets",
    ),
  };
}
