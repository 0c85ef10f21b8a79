import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Change, Kind, RecordOfKind } from "#/model/record.ts";
import { decodeChanges, encodeChange, encodeRecord } from "../codec.ts";
import type { Batch, Loaded, SpaceLog } from "../log.ts";
import { rangesOf } from "./ranges.ts";
import { Archive, hasSucceeded } from "./sqlite/archive.ts";
import type { Encoded } from "./sqlite/packs.ts";
import { cannotOpen, damaged, isFull } from "./sqlite/errors.ts";
import { inspectChanges, readLive } from "./sqlite/load.ts";
import { WriteAhead } from "./sqlite/write-ahead.ts";

export interface SqliteOptions {
  /** "normal" survives kill -9 but not a power cut: for measuring only. Default "full". */
  durability?: "full" | "normal";
  /** Pages of the write-ahead log after which they move into the database. */
  checkpointPages?: number;
  /** By so much the write-ahead log is made longer ahead of what is written. */
  growBytes?: number;
  /** This opening gets an epoch above it, however often the log was opened. */
  epochAbove?: number;
  /** Changes kept for watchers that come back; trimmed when there are twice as many. */
  changesKeptBytes?: number;
}

/**
 * A log in one SQLite file. Live records stand in `live` by serial, so that adding is always at the
 * end of the tree and starting reads them in the order they were made; ended ones move to the archive
 * (sqlite/archive.ts), found by name; each batch is one row of `changes`, for watchers that come back.
 * All three are written in one transaction.
 *
 * Where SQLite itself would sync (synchronous = FULL), the process stands still while the disk works,
 * a quarter of its time when busy. So SQLite only writes (NORMAL: it still syncs around checkpoints),
 * and each append then syncs the write-ahead log, which FULL would do, on a thread beside: meanwhile
 * the next batch gathers. A database thread for all of it gained nothing more. A batch of a few
 * changes is synced at once, as there is little to gather, and the way to a thread and back is long.
 *
 * What FULL would do beside is done in NORMAL too: a new write-ahead log and its entry in the folder
 * are synced when it is made, its header whenever it begins again, and all of it before a checkpoint
 * writes into the database. Checkpoints are asked for here, as SQLite would pass over one that fails
 * in silence, and a failed sync must end the process. `e2e/crash-points` cuts the power after every
 * call that this file makes, and looks.
 *
 * A database copied without its write-ahead log looks sound and has forgotten the latest changes. So
 * `meta.open` is 1 in the database itself while it is open: without its write-ahead log it is then refused.
 */
export class SqliteLog implements SpaceLog {
  #database: DatabaseSync;
  #statements: Statements;
  #archive: Archive;
  /** The write-ahead log, to be synced; undefined when only kill -9 is to be survived. */
  #writeAhead: WriteAhead | undefined;
  #checkpointPages: number;
  #changesKeptBytes: number;
  #file: string;
  #changeBytes = 0;
  /** Sequences of the oldest batch kept and of the newest. */
  #oldest = 1;
  #newest = 0;

  /**
   * Opens or makes the file. Throws CanopyError "conflict" when another process has it open, "damaged"
   * when it cannot be read, or its write-ahead log is gone, and "no-space".
   */
  constructor(file: string, options: SqliteOptions = {}) {
    this.#file = file;
    this.#checkpointPages = options.checkpointPages ?? limits.checkpointPages;
    this.#changesKeptBytes = options.changesKeptBytes ?? limits.changesKeptBytes;
    const isWhole = hasWriteAhead(file);
    this.#database = new DatabaseSync(file, { timeout: 0 });
    try {
      this.#database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA cache_size = -32768;
        CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS live (serial INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS changes (
          sequence INTEGER PRIMARY KEY, serial INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT;
        INSERT INTO meta VALUES ('epoch', 0), ('open', 0) ON CONFLICT DO NOTHING;
      `);
      if (!isWhole && this.#meta("open") === 1) throw missingWriteAhead(file);
      this.#database.exec(`
        UPDATE meta SET value = CASE key WHEN 'epoch' THEN max(value, ${Number(options.epochAbove ?? 0)}) + 1 WHEN 'open' THEN 1 ELSE value END;
      `);
      checkpointWhenRoom(this.#database);
      this.#database.exec("PRAGMA synchronous = NORMAL");
      this.#archive = new Archive(this.#database);
      this.#statements = prepare(this.#database);
      if (options.durability !== "normal")
        this.#writeAhead = new WriteAhead(file, options.growBytes);
    } catch (thrown) {
      this.#database.close();
      throw cannotOpen(file, thrown);
    }
  }

  async load(): Promise<Loaded> {
    const { oldest, newest, serial, bytes } = inspectChanges(this.#database, this.#file);
    this.#oldest = oldest;
    this.#newest = newest;
    this.#changeBytes = bytes;
    return {
      sequence: newest,
      serial,
      epoch: this.#meta("epoch"),
      records: readLive(this.#database, this.#file),
    };
  }

  #meta(key: "epoch" | "open"): number {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return Number(row?.["value"] ?? 0);
  }

  async append({ sequence, serial, changes }: Batch): Promise<void> {
    const { begin, commit, rollback, addChanges } = this.#statements;
    let body = "";
    try {
      begin.run();
      body = this.#write(changes);
      addChanges.run(sequence, serial, body);
      commit.run();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      if (this.#database.isTransaction) rollback.run();
      this.#archive.undo();
      throw new CanopyError("no-space", "Cannot keep changes as the disk is full", {
        hint: "Free some space on the disk that holds the data folder; Canopy goes on by itself",
      });
    }
    if (changes.length > limits.syncInlineChangesMax) await this.#writeAhead?.syncAside();
    else this.#writeAhead?.sync();
    this.#newest = sequence;
    this.#changeBytes += body.length;
    if (this.#changeBytes > 2 * this.#changesKeptBytes) this.#whenRoom(() => this.#trim());
    if ((this.#statements.pagesAhead.get()?.["log"] as number) > this.#checkpointPages)
      this.#whenRoom(() => this.#statements.checkpoint.get());
  }

  /** The batch is kept, whatever becomes of this: what a full disk leaves undone is tried again after the next one. */
  #whenRoom(upkeep: () => void): void {
    try {
      upkeep();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      if (this.#database.isTransaction) this.#statements.rollback.run();
    }
  }

  /** Brings tables up to date: each record as the last of its changes left it. Gives the changes as they are kept. */
  #write(changes: readonly Change[]): string {
    const all = changes.map((change): Encoded => ({ change, text: encodeRecord(change.record) }));
    const last = new Map(all.map((one) => [one.change.record.serial, one]));
    const made = changes.map(({ record }) => record).filter(({ revision }) => revision === 1);
    const isNew = new Set(made.map(({ serial }) => serial));
    this.#archive.made(made.filter(({ kind }) => kind === "task"));
    this.#writeLive([...last.values()], isNew);

    const kept: string[] = [];
    let succeeded: Encoded[] = [];
    for (const one of all) {
      const { op, record } = one.change;
      const isLast = last.get(record.serial) === one;
      if (isLast && op === "archive" && hasSucceeded(record)) {
        succeeded.push(one);
        continue;
      }
      kept.push(...this.#archive.applySucceeded(succeeded));
      succeeded = [];
      const isHistory = op === "archive" && !isLast; // what came back in the same batch
      kept.push(isHistory ? encodeChange(op, one.text) : this.#archive.apply(one));
    }
    kept.push(...this.#archive.applySucceeded(succeeded));
    return kept.join(",");
  }

  #writeLive(changes: readonly Encoded[], isNew: ReadonlySet<number>): void {
    const { addLive, setLive, dropLive } = this.#statements;
    const dropped: number[] = [];
    for (const { change, text } of changes) {
      const { serial } = change.record;
      if (change.op === "put" || change.op === "restore")
        (isNew.has(serial) ? addLive : setLive).run(serial, text);
      else if (!isNew.has(serial)) dropped.push(serial);
    }
    for (const range of rangesOf(dropped)) dropLive.run(...range);
  }

  /** Drops the oldest changes until what is left fits. Live and archived records are not touched. */
  #trim(): void {
    const { begin, commit, dropChange } = this.#statements;
    let [oldest, bytes] = [this.#oldest, this.#changeBytes];
    begin.run();
    while (bytes > this.#changesKeptBytes && oldest < this.#newest)
      bytes -= Number(dropChange.get(oldest++)?.["bytes"] ?? 0);
    commit.run();
    [this.#oldest, this.#changeBytes] = [oldest, bytes];
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    return names.map((name) => this.#archive.find(kind, name));
  }

  async archived<K extends Kind>(
    kind: K,
    options: Parameters<SpaceLog["archived"]>[1],
  ): Promise<RecordOfKind<K>[]> {
    return this.#archive.list(kind, options);
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
      changes: this.#decode(row["sequence"] as number, row["body"] as string),
    }));
  }

  #decode(sequence: number, body: string): Change[] {
    try {
      return decodeChanges(body, (first) => this.#archive.packed(first));
    } catch (thrown) {
      throw damaged(
        `Cannot read ${this.#file} as batch ${sequence} of its changes is damaged: ${messageOf(thrown)}`,
      );
    }
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    this.#writeAhead?.close();
    const isMarked = markClosed(this.#database);
    this.#database.close();
    if (isMarked || hasWriteAhead(this.#file)) return;
    // The disk was too full to say that it is closed; without the write-ahead log there is room.
    const again = new DatabaseSync(this.#file, { timeout: 0 });
    markClosed(again);
    again.close();
  }
}

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
    pagesAhead: statement("PRAGMA wal_checkpoint(NOOP)"),
    checkpoint: statement("PRAGMA wal_checkpoint(PASSIVE)"),
    dropChange: statement("DELETE FROM changes WHERE sequence = ? RETURNING length(body) AS bytes"),
    addChanges: statement("INSERT INTO changes VALUES (?, ?, ?)"),
    readChanges: statement(
      "SELECT sequence, serial, body FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
    ),
  };
}

function hasWriteAhead(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** False when the disk is too full for it. */
function markClosed(database: DatabaseSync): boolean {
  try {
    database.exec("PRAGMA synchronous = FULL; UPDATE meta SET value = 0 WHERE key = 'open'");
    return true;
  } catch (thrown) {
    if (!isFull(thrown)) throw thrown;
    return false;
  }
}

/** What a start found goes into the database, written anew; with a disk too full for that it stays where it is. */
function checkpointWhenRoom(database: DatabaseSync): void {
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (thrown) {
    if (!isFull(thrown)) throw thrown;
  }
}

function missingWriteAhead(file: string): CanopyError {
  return damaged(
    `Cannot open ${file} as what was acknowledged last is in ${file}-wal, which is missing`,
    "Put that file back beside it, or restore a backup. To go on without those changes: canopy doctor --repair",
  );
}
