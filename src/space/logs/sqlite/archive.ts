import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AnyRecord, Kind, RecordOfKind } from "#/model/record.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { decodeRecord, encodeChange, encodeElsewhere } from "../../codec.ts";
import type { SpaceLog } from "../../log.ts";
import { Extents, type Extent } from "../extents.ts";
import { Packs, type Encoded } from "./packs.ts";

/** Serials of tasks that one step of a listing looks at. */
const windowSerials = 1024;

/**
 * Ended records in SQLite. Tasks that succeeded lie in packs, by serial; all others are rows of
 * `archive`, tasks by serial too and the rest by name.
 */
export class Archive {
  #statements: ReturnType<typeof prepare>;
  #extents: Extents;
  #packs: Packs;

  /** Makes its tables in a new file. */
  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS archive (
        serial INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT, project TEXT NOT NULL, phase TEXT, body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS archive_by_name ON archive (kind, name) WHERE name IS NOT NULL;
      CREATE INDEX IF NOT EXISTS archive_unhappy ON archive (serial) WHERE kind = 'task' AND phase <> 'succeeded';
      CREATE TABLE IF NOT EXISTS extents (
        step TEXT, first INTEGER, serial INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (step, first)
      ) STRICT, WITHOUT ROWID;
    `);
    this.#extents = new Extents();
    this.#packs = new Packs(database);
    this.#statements = prepare(database);
  }

  /** Notes tasks that were made, so that they are found by name when they have ended. */
  made(tasks: readonly AnyRecord[]): void {
    for (const { step, first, serial, count } of this.#extents.of(tasks))
      this.#statements.addExtent.run(step, first, serial, count);
  }

  /** Brings it up to date for one change, the last of its record; gives the change as it is kept for watchers. */
  apply({ change, text }: Encoded): string {
    const { op, record } = change;
    const { kind, name, project, serial } = record;
    if (op === "archive") {
      const { phase = null } = record.status as { phase?: string };
      const row = [serial, kind, kind === "task" ? null : name, project, phase, text] as const;
      this.#statements.add.run(...row);
    } else if (op !== "put") {
      this.#statements.remove.run(serial);
      if (kind === "task") this.#packs.remove(serial);
    }
    return encodeChange(op, text);
  }

  /** The same for tasks that succeeded one after the other: few texts for many changes. */
  applySucceeded(ended: readonly Encoded[]): string[] {
    return this.#packs
      .add(ended)
      .map((part) => ("first" in part ? encodeElsewhere(part.first) : this.apply(part)));
  }

  /** What a change that `applySucceeded` gave stands for, by the number in it. */
  packed(first: number): AnyRecord[] {
    return this.#packs.all(first);
  }

  /** Forgets what it remembered of a transaction that was undone. */
  undo(): void {
    this.#extents.undo();
    this.#packs.undo();
  }

  find<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined {
    if (kind === "task") return this.#findTask(name) as RecordOfKind<K> | undefined;
    const row = this.#statements.byName.get(kind, name);
    return row && (recordOf(row) as RecordOfKind<K>);
  }

  #findTask(name: string): AnyRecord | undefined {
    const serial = this.#serialOf(name);
    if (serial === undefined) return undefined;
    const row = this.#statements.bySerial.get(serial);
    return row ? recordOf(row) : this.#packs.get(serial);
  }

  /** Undefined when there never was such a task. */
  #serialOf(name: string): number | undefined {
    const index = indexOfTask(name);
    const row = this.#statements.extentOf.get(stepOfTask(name), index) as
      | Omit<Extent, "step">
      | undefined;
    return row && index < row.first + row.count ? row.serial + index - row.first : undefined;
  }

  /** The lowest and the highest serial of tasks whose names begin with `prefix`: "job/" or "job/step/". */
  #span(prefix: string): { low: number; high: number } | undefined {
    const steps =
      prefix.split("/").length === 3
        ? [prefix.slice(0, -1), `${prefix.slice(0, -1)}\0`]
        : [prefix, `${prefix}\u{10ffff}`];
    const row = this.#statements.spanOf.get(...steps) as { low: number | null; high: number };
    return row.low === null ? undefined : { low: row.low, high: row.high };
  }

  /** See `SpaceLog.archived`. */
  list<K extends Kind>(kind: K, options: Parameters<SpaceLog["archived"]>[1]): RecordOfKind<K>[] {
    const { prefix = "", before, project, phase, limit } = options;
    if (kind !== "task") {
      const upper = `${prefix}\u{10ffff}`;
      const to = before !== undefined && before < upper ? before : upper;
      const filter = [project ?? null, project ?? null, phase ?? null, phase ?? null] as const;
      const rows = this.#statements.listByName.all(kind, prefix, to, ...filter, limit);
      return rows.map((row) => recordOf(row) as RecordOfKind<K>);
    }
    const span = this.#span(prefix);
    if (!span) return [];
    const high = before === undefined ? span.high : (this.#serialOf(before) ?? 0) - 1;
    const isUnhappy = phase !== undefined && phase !== "succeeded";
    const tasks = isUnhappy ? this.#unhappyTasks(span.low, high) : this.#tasks(span.low, high);
    const found: AnyRecord[] = [];
    for (const task of tasks) {
      if (found.length === limit) break;
      if (!task.name.startsWith(prefix)) continue; // tasks of other jobs may stand between
      if (project !== undefined && task.project !== project) continue;
      if (phase !== undefined && (task.status as { phase?: string }).phase !== phase) continue;
      found.push(task);
    }
    return found as RecordOfKind<K>[];
  }

  *#unhappyTasks(low: number, high: number): Generator<AnyRecord> {
    for (const row of this.#statements.listUnhappy.iterate(low, high)) yield recordOf(row);
  }

  /** Those of rows and of packs, newest first: window by window, as packs overlap. */
  *#tasks(low: number, high: number): Generator<AnyRecord> {
    const { lastTask, listBySerial } = this.#statements;
    for (let to = high; to >= low;) {
      const single = (lastTask.get(low, to)?.["serial"] as number | undefined) ?? 0;
      const top = Math.max(single, this.#packs.below(to + 1) ?? 0);
      if (top < low) return;
      const from = Math.max(low, top - windowSerials + 1);
      const rows = listBySerial.all(from, top).map((row) => recordOf(row));
      const found = [...rows, ...this.#packs.between(from, top)];
      yield* found.sort((a, b) => b.serial - a.serial);
      to = from - 1;
    }
  }
}

/** Whether a task goes into a pack. */
export function hasSucceeded({ kind, status }: AnyRecord): boolean {
  return kind === "task" && status.phase === "succeeded";
}

function prepare(database: DatabaseSync) {
  const statement = (sql: string): StatementSync => database.prepare(sql);
  return {
    add: statement("INSERT OR REPLACE INTO archive VALUES (?, ?, ?, ?, ?, ?)"),
    remove: statement("DELETE FROM archive WHERE serial = ?"),
    byName: statement("SELECT body FROM archive WHERE kind = ? AND name = ?"),
    bySerial: statement("SELECT body FROM archive WHERE serial = ?"),
    addExtent: statement("INSERT OR REPLACE INTO extents VALUES (?, ?, ?, ?)"),
    extentOf: statement(
      "SELECT first, serial, count FROM extents WHERE step = ? AND first <= ? ORDER BY first DESC LIMIT 1",
    ),
    spanOf: statement(
      "SELECT min(serial) AS low, max(serial + count - 1) AS high FROM extents WHERE step >= ? AND step < ?",
    ),
    listByName: statement(`
      SELECT body FROM archive
      WHERE kind = ? AND name >= ? AND name < ? AND (? IS NULL OR project = ?) AND (? IS NULL OR phase = ?)
      ORDER BY name DESC LIMIT ?`),
    lastTask: statement(`
      SELECT serial FROM archive NOT INDEXED
      WHERE serial BETWEEN ? AND ? AND kind = 'task' ORDER BY serial DESC LIMIT 1`),
    listBySerial: statement(
      "SELECT body FROM archive NOT INDEXED WHERE serial BETWEEN ? AND ? AND kind = 'task'",
    ),
    listUnhappy: statement(`
      SELECT body FROM archive INDEXED BY archive_unhappy
      WHERE serial BETWEEN ? AND ? AND kind = 'task' AND phase <> 'succeeded' ORDER BY serial DESC`),
  };
}

function recordOf(row: Record<string, unknown>): AnyRecord {
  return decodeRecord(row["body"] as string);
}
