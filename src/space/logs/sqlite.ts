import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";
import {
  decodeChanges,
  decodeRecord,
  decodeRecords,
  encodeChanges,
  encodeRecord,
} from "../codec.ts";
import type { Batch, Loaded, SpaceLog } from "../log.ts";
import { Extents } from "./extents.ts";

/**
 * A log in one SQLite file. Live records stand in `live` by serial, so that adding is always at the
 * end of the tree and starting reads them in the order they were made; ended ones move to `archive`,
 * found by name; each batch is one row of `changes`, for watchers that come back.
 * All three are written in one transaction.
 *
 * Where SQLite itself would sync (synchronous = FULL), the process stands still while the disk works,
 * a quarter of its time when busy. So SQLite only writes (NORMAL: it still syncs around checkpoints),
 * and each append then syncs the write-ahead log, which FULL would do, on a thread beside: meanwhile
 * the next batch gathers. A database thread for all of it gained nothing more. A batch of a few
 * changes is synced at once, as there is little to gather, and the way to a thread and back is long.
 */
export class SqliteLog implements SpaceLog {
  #database: DatabaseSync;
  #statements: Statements;
  #extents: Extents;
  /** The write-ahead log, to be synced; undefined when only kill -9 is to be survived. */
  #writeAhead: number | undefined;
  #changeBytes = 0;
  /** Sequences of the oldest batch kept and of the newest. */
  #oldest = 1;
  #newest = 0;

  /** Opens or makes the file. `durability` "normal" survives kill -9 but not a power cut: for measuring only. */
  constructor(file: string, durability: "full" | "normal" = "full") {
    this.#database = new DatabaseSync(file, { timeout: 0 });
    try {
      this.#database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 16000;
        PRAGMA cache_size = -32768;
        CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS live (serial INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS archive (
          serial INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT, project TEXT NOT NULL, phase TEXT, body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX IF NOT EXISTS archive_by_name ON archive (kind, name) WHERE name IS NOT NULL;
        CREATE INDEX IF NOT EXISTS archive_unhappy ON archive (serial) WHERE kind = 'task' AND phase <> 'succeeded';
        CREATE TABLE IF NOT EXISTS changes (
          sequence INTEGER PRIMARY KEY, serial INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT;
        INSERT INTO meta VALUES ('epoch', 0) ON CONFLICT DO NOTHING;
        UPDATE meta SET value = value + 1 WHERE key = 'epoch';
        PRAGMA synchronous = NORMAL;
      `);
      if (durability === "full") this.#writeAhead = openSync(`${file}-wal`, "r");
    } catch (thrown) {
      this.#database.close();
      throw cannotOpen(file, thrown);
    }
    this.#extents = new Extents(this.#database);
    this.#statements = prepare(this.#database);
  }

  async load(): Promise<Loaded> {
    const one = (sql: string) => Number(Object.values(this.#database.prepare(sql).get()!)[0] ?? 0);
    const sequence = one("SELECT max(sequence) FROM changes");
    this.#newest = sequence;
    this.#oldest = one("SELECT min(sequence) FROM changes") || sequence + 1;
    this.#changeBytes = one("SELECT total(length(body)) FROM changes");
    return {
      sequence,
      serial: one("SELECT max(serial) FROM changes"),
      epoch: one("SELECT value FROM meta WHERE key = 'epoch'"),
      records: this.#readLive(),
    };
  }

  /** A page is one text: crossing from SQLite once for a hundred rows halves the time to start. */
  *#readLive(): Generator<AnyRecord> {
    const page = this.#database.prepare(`
      SELECT max(serial) AS last, group_concat(body) AS bodies
      FROM (SELECT serial, body FROM live WHERE serial > ? ORDER BY serial LIMIT 100)`);
    for (let last = 0; ;) {
      const row = page.get(last);
      if (typeof row?.["bodies"] !== "string") return;
      yield* decodeRecords(row["bodies"]);
      last = row["last"] as number;
    }
  }

  async append({ sequence, serial, changes }: Batch): Promise<void> {
    const { begin, commit, rollback, addChanges } = this.#statements;
    const encoded = changes.map(({ record }) => encodeRecord(record));
    const body = encodeChanges(changes, encoded);
    try {
      begin.run();
      this.#write(changes, encoded);
      addChanges.run(sequence, serial, body);
      commit.run();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      if (this.#database.isTransaction) rollback.run();
      this.#extents.undo();
      throw new CanopyError("no-space", "Cannot keep changes as the disk is full", {
        hint: "Free some space on the disk that holds the data folder; Canopy goes on by itself",
      });
    }
    if (this.#writeAhead !== undefined) {
      if (changes.length > limits.syncInlineChangesMax) await sync(this.#writeAhead);
      else fdatasyncSync(this.#writeAhead);
    }
    this.#newest = sequence;
    this.#changeBytes += body.length;
    if (this.#changeBytes > 2 * limits.changesKeptBytes) this.#trim();
  }

  /** Brings tables up to date: each record as the last of its changes left it. */
  #write(changes: readonly Change[], encoded: readonly string[]): void {
    const { addLive, setLive, archive, unarchive } = this.#statements;
    const news = new Map<number, { change: Change; encoded: string; isNew: boolean }>();
    changes.forEach((change, index) => {
      const { serial, revision } = change.record;
      const isNew = news.get(serial)?.isNew ?? revision === 1;
      news.set(serial, { change, encoded: encoded[index]!, isNew });
    });
    const dropped: number[] = [];
    const made: AnyRecord[] = [];
    for (const [serial, { change, encoded: body, isNew }] of news) {
      const { op, record } = change;
      if (isNew && record.kind === "task") made.push(record);
      if (op === "put" || op === "restore") (isNew ? addLive : setLive).run(serial, body);
      else if (!isNew) dropped.push(serial);
      if (op === "archive") {
        const { kind, name, project } = record;
        const { phase = null } = record.status as { phase?: string };
        archive.run(serial, kind, kind === "task" ? null : name, project, phase, body);
      } else if (op !== "put") {
        unarchive.run(serial);
      }
    }
    this.#dropLive(dropped);
    this.#extents.add(made);
  }

  /** Tasks end in about the order in which they were made: whole runs go at once. */
  #dropLive(serials: number[]): void {
    serials.sort((a, b) => a - b);
    for (let first = 0, next = 1; first < serials.length; first = next++) {
      while (serials[next] === serials[next - 1]! + 1) next++;
      this.#statements.dropLive.run(serials[first]!, serials[next - 1]!);
    }
  }

  /** Drops the oldest changes until what is left fits. Live and archived records are not touched. */
  #trim(): void {
    const drop = this.#database.prepare(
      "DELETE FROM changes WHERE sequence = ? RETURNING length(body) AS bytes",
    );
    this.#statements.begin.run();
    while (this.#changeBytes > limits.changesKeptBytes && this.#oldest < this.#newest) {
      const row = drop.get(this.#oldest++);
      this.#changeBytes -= Number(row?.["bytes"] ?? 0);
    }
    this.#statements.commit.run();
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    return names.map((name) => {
      const row = this.#archivedRow(kind, name);
      return row && (decodeRecord(row["body"] as string) as RecordOfKind<K>);
    });
  }

  #archivedRow(kind: Kind, name: string) {
    const { getArchived, getBySerial } = this.#statements;
    if (kind !== "task") return getArchived.get(kind, name);
    const serial = this.#extents.serialOf(name);
    return serial === undefined ? undefined : getBySerial.get(serial);
  }

  async archived<K extends Kind>(
    kind: K,
    options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
  ): Promise<RecordOfKind<K>[]> {
    const { prefix = "", before, project, phase, limit } = options;
    const filter = [project ?? null, project ?? null, phase ?? null, phase ?? null] as const;
    const { listArchived, listBySerial, listUnhappy } = this.#statements;
    if (kind !== "task") {
      const upper = `${prefix}\u{10ffff}`;
      const to = before !== undefined && before < upper ? before : upper;
      return listArchived.all(kind, prefix, to, ...filter, limit).map((row) => recordOf<K>(row));
    }
    const span = this.#extents.span(prefix);
    if (!span) return [];
    const high = before === undefined ? span.high : (this.#extents.serialOf(before) ?? 0) - 1;
    const found: RecordOfKind<K>[] = [];
    const list = phase === undefined || phase === "succeeded" ? listBySerial : listUnhappy;
    for (const row of list.iterate(span.low, high, kind, ...filter)) {
      const record = recordOf<K>(row);
      if (record.name.startsWith(prefix)) found.push(record); // tasks of other jobs may stand between
      if (found.length === limit) break;
    }
    return found;
  }

  async read(sequence: number, max: number): Promise<Batch[]> {
    if (sequence + 1 < this.#oldest || sequence > this.#newest) {
      throw new CanopyError(
        "not-found",
        `Cannot read changes after ${sequence} as they are kept from ${this.#oldest} on`,
        {
          hint: "Read the current state, then follow from there",
        },
      );
    }
    const rows = this.#statements.readChanges.all(sequence, max);
    return rows.map((row) => ({
      sequence: row["sequence"] as number,
      serial: row["serial"] as number,
      changes: decodeChanges(row["body"] as string),
    }));
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    if (this.#writeAhead !== undefined) closeSync(this.#writeAhead);
    this.#database.close();
  }
}

const sync = promisify(fdatasync);

type Statements = ReturnType<typeof prepare>;

function prepare(database: DatabaseSync) {
  const statement = (sql: string): StatementSync => database.prepare(sql);
  return {
    begin: statement("BEGIN IMMEDIATE"),
    commit: statement("COMMIT"),
    rollback: statement("ROLLBACK"),
    addLive: statement("INSERT INTO live VALUES (?, ?)"),
    setLive: statement("INSERT OR REPLACE INTO live VALUES (?, ?)"),
    dropLive: statement("DELETE FROM live WHERE serial BETWEEN ? AND ?"),
    archive: statement("INSERT OR REPLACE INTO archive VALUES (?, ?, ?, ?, ?, ?)"),
    unarchive: statement("DELETE FROM archive WHERE serial = ?"),
    getArchived: statement("SELECT body FROM archive WHERE kind = ? AND name = ?"),
    getBySerial: statement("SELECT body FROM archive WHERE serial = ?"),
    listArchived: statement(`
      SELECT body FROM archive
      WHERE kind = ? AND name >= ? AND name < ? AND (? IS NULL OR project = ?) AND (? IS NULL OR phase = ?)
      ORDER BY name DESC LIMIT ?`),
    listBySerial: statement(bySerial("archive NOT INDEXED")),
    listUnhappy: statement(
      bySerial("archive INDEXED BY archive_unhappy", "AND kind = 'task' AND phase <> 'succeeded'"),
    ),
    addChanges: statement("INSERT INTO changes VALUES (?, ?, ?)"),
    readChanges: statement(
      "SELECT sequence, serial, body FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
    ),
  };
}

function bySerial(table: string, more = ""): string {
  return `
    SELECT body FROM ${table}
    WHERE serial BETWEEN ? AND ? AND kind = ? AND (? IS NULL OR project = ?) AND (? IS NULL OR phase = ?) ${more}
    ORDER BY serial DESC`;
}

function recordOf<K extends Kind>(row: Record<string, unknown>): RecordOfKind<K> {
  return decodeRecord(row["body"] as string) as RecordOfKind<K>;
}

const sqliteFull = 13;
const sqliteBusy = 5;

function isFull(thrown: unknown): boolean {
  return (
    thrown instanceof Error && ((thrown as { errcode?: number }).errcode ?? 0) % 256 === sqliteFull
  );
}

function cannotOpen(file: string, thrown: unknown): unknown {
  const code = ((thrown as { errcode?: number }).errcode ?? 0) % 256;
  if (code === sqliteBusy) {
    return new CanopyError("conflict", `Cannot open ${file} as another process has it open`, {
      hint: "Is 'canopy up' running already? See: canopy machines",
    });
  }
  if (isFull(thrown))
    return new CanopyError("no-space", `Cannot open ${file} as the disk is full`, {
      hint: "Free some space on that disk, then start again",
    });
  return new CanopyError("unavailable", `Cannot open ${file}: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}
