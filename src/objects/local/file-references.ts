import type { DatabaseSync, StatementSync } from "node:sqlite";
import { limits } from "#/base/limits.ts";

/** Which files of large objects the index knows, and which of them nothing refers to any more. */
export class FileReferences {
  #database: DatabaseSync;
  /** Begins a transaction where none goes on. */
  #begin: () => void;
  #statements: ReturnType<typeof prepare>;

  constructor(database: DatabaseSync, begin: () => void) {
    this.#database = database;
    this.#begin = begin;
    this.#statements = prepare(database);
  }

  /** Files with numbers above `after`, in order, of all that is or was until it could be removed. */
  above(after: number): number[] {
    const found = new Set<number>();
    for (const statement of this.#statements.above)
      for (const { file } of statement.all(after, limits.heldFilesAtOnce))
        found.add(file as number);
    return [...found].sort((a, b) => a - b).slice(0, limits.heldFilesAtOnce);
  }

  /** Files that nothing refers to any more, and that may still be there. */
  trash(): number[] {
    return this.#statements.trash.all().map((row) => row["file"] as number);
  }

  /** A file of the trash is gone. */
  cleared(file: number): void {
    if (!this.#database.isOpen) return;
    this.#begin();
    this.#statements.clear.run(file);
  }

  /** Looks through all: for a start. */
  isReferred(file: number): boolean {
    return this.#statements.refersTo.get(file, file) !== undefined;
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    above: ["versions", "pieces", "trash"].map((table) =>
      sql(`SELECT file FROM ${table} WHERE file > 0 AND file > ? ORDER BY file LIMIT ?`),
    ),
    trash: sql("SELECT file FROM trash"),
    clear: sql("DELETE FROM trash WHERE file = ?"),
    refersTo: sql(
      "SELECT 1 FROM versions WHERE file > 0 AND file = ? UNION ALL SELECT 1 FROM pieces WHERE file > 0 AND file = ?",
    ),
  };
}
