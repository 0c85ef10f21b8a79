import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";
import { decodeChanges, decodeRecords, encodeChange, encodeRecord } from "../codec.ts";
import type { Batch, Loaded, SpaceLog } from "../log.ts";
import { Archive, hasSucceeded } from "./archive.ts";
import type { Encoded } from "./packs.ts";
import { WriteAhead } from "./write-ahead.ts";

/**
 * A log in one SQLite file. Live records stand in `live` by serial, so that adding is always at the
 * end of the tree and starting reads them in the order they were made; ended ones move to the archive
 * (archive.ts), found by name; each batch is one row of `changes`, for watchers that come back.
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
  #archive: Archive;
  /** The write-ahead log, to be synced; undefined when only kill -9 is to be survived. */
  #writeAhead: WriteAhead | undefined;
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
        CREATE TABLE IF NOT EXISTS changes (
          sequence INTEGER PRIMARY KEY, serial INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT;
        INSERT INTO meta VALUES ('epoch', 0) ON CONFLICT DO NOTHING;
        UPDATE meta SET value = value + 1 WHERE key = 'epoch';
        PRAGMA synchronous = NORMAL;
      `);
      if (durability === "full") this.#writeAhead = new WriteAhead(file);
    } catch (thrown) {
      this.#database.close();
      throw cannotOpen(file, thrown);
    }
    this.#archive = new Archive(this.#database);
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
    if (this.#changeBytes > 2 * limits.changesKeptBytes) this.#trim();
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
    const { addLive, setLive } = this.#statements;
    const dropped: number[] = [];
    for (const { change, text } of changes) {
      const { serial } = change.record;
      if (change.op === "put" || change.op === "restore")
        (isNew.has(serial) ? addLive : setLive).run(serial, text);
      else if (!isNew.has(serial)) dropped.push(serial);
    }
    this.#dropLive(dropped);
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
      changes: decodeChanges(row["body"] as string, (first) => this.#archive.packed(first)),
    }));
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    this.#writeAhead?.close();
    this.#database.close();
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
    addChanges: statement("INSERT INTO changes VALUES (?, ?, ?)"),
    readChanges: statement(
      "SELECT sequence, serial, body FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
    ),
  };
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
