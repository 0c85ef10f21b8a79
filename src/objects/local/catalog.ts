import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { BucketUse } from "../object-store.ts";
import { BucketEntries, type BucketEntry } from "./bucket-entries.ts";
import { Checkpointer } from "./checkpointer.ts";
import { isFull } from "./errors.ts";
import { FileReferences } from "./file-references.ts";
import { PackEntries } from "./pack-entries.ts";
import { openDatabase } from "./schema.ts";
import { SharedRead } from "./shared-read.ts";

type ScrubMark = "scrubbed" | "scrubbedPieces" | "scrubBegunMs";

export interface Position {
  pack: number;
  at: number;
}

/**
 * The index. What a batch changed is seen at once, by this connection; a transaction goes on over many batches, as the
 * packs and not the index are what survives: a page that many records touch is then written once. What was not committed
 * when the process died is read again from the packs, from the position that the last transaction came to.
 */
export class Catalog {
  readonly database: DatabaseSync;
  readonly files: FileReferences;
  #clock: Pick<Clock, "after">;
  #sharedRead: SharedRead;
  #onBroken: (error: unknown) => void;
  #buckets: BucketEntries;
  #packs: PackEntries;
  #position: Position;
  #lastId: number;
  #lastBatch: number;
  #settled: number;
  #firstUnderWay: () => number | undefined;
  /** Whether what earlier processes left behind is gone. */
  #isSettling = false;
  #onRolledBack: (until: Position) => void;
  #checkpointer: Checkpointer;
  #isFull = false;
  #isOpen = false;
  #changes = 0;
  #timer: Timer | undefined;
  #statements: ReturnType<typeof prepare>;

  constructor(
    file: string,
    parts: {
      clock: Pick<Clock, "after" | "soon">;
      onBroken: (error: unknown) => void;
      /** The smallest number of a file that is being written. */
      firstUnderWay: () => number | undefined;
      /** Must bring it from its position to this one again. */
      onRolledBack: (until: Position) => void;
    },
  ) {
    this.#clock = parts.clock;
    this.#onBroken = parts.onBroken;
    this.#firstUnderWay = parts.firstUnderWay;
    this.#onRolledBack = parts.onRolledBack;
    this.database = openDatabase(file);
    this.#sharedRead = new SharedRead(this.database, parts.clock);
    this.#checkpointer = new Checkpointer(file);
    this.#statements = prepare(this.database);
    this.#position = this.#readPosition();
    this.#lastId = this.#meta("id");
    this.#lastBatch = this.#meta("batch");
    this.#settled = this.#meta("settled");
    this.#buckets = new BucketEntries(this.database);
    this.#packs = new PackEntries(this.database);
    this.files = new FileReferences(this.database, () => this.begin());
  }

  #readPosition(): Position {
    return { pack: this.#meta("pack"), at: this.#meta("at") };
  }

  #meta(key: string): number {
    return this.#statements.getMeta.get(key)!["value"] as number;
  }

  /** How far the scrubber has come. */
  mark(name: ScrubMark): number {
    return this.#meta(name);
  }

  setMark(name: ScrubMark, value: number): void {
    this.begin();
    this.#statements.setMeta.run(value, name);
  }

  /** How far in the packs it has come: the place after the last record it holds. */
  get position(): Position {
    return this.#position;
  }

  get lastBatch(): number {
    return this.#lastBatch;
  }

  /** Files with smaller numbers are either part of something or gone. */
  get settled(): number {
    return this.#settled;
  }

  /** From now on only what this process writes is under way: what others left behind is gone. */
  startSettling(): void {
    this.#isSettling = true;
  }

  get packs(): PackEntries["all"] {
    return this.#packs.all;
  }

  /** A number that was never given before; those of later calls are greater. */
  newId(): number {
    return ++this.#lastId;
  }

  /** The greatest number that was given. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Tells of a number that a record has, of a process before this one. */
  seenId(id: number): void {
    if (id > this.#lastId) this.#lastId = id;
  }

  /** To be called before a read that others may follow at once. */
  read(): void {
    if (!this.#isOpen) this.#sharedRead.begin();
  }

  /** Begins a transaction where none goes on: before changes. */
  begin(): void {
    if (this.#isOpen) return;
    this.#sharedRead.end();
    this.#statements.begin.run();
    this.#isOpen = true;
    this.#commitSoon();
  }

  #commitSoon(): void {
    const commit = () => {
      this.#timer = undefined;
      this.#tryCommit();
    };
    this.#timer ??= this.#clock.after(limits.catalogCommitMs, commit, true);
  }

  /**
   * What does not fit the disk is kept in a transaction, to be tried again: the packs have it. SQLite rolls back what
   * it could not commit, so that it is read from them once more. Until it fits nothing new is taken.
   */
  #tryCommit(): void {
    try {
      this.commit();
      this.#isFull = false;
    } catch (thrown) {
      if (!isFull(thrown)) return this.#onBroken(thrown);
      this.#isFull = true;
      if (!this.database.isTransaction) this.#bringBack();
      this.#commitSoon();
    }
  }

  #bringBack(): void {
    const until = this.#position;
    this.#isOpen = false;
    this.#buckets.forget();
    this.#position = this.#readPosition();
    this.#packs.read();
    try {
      this.#onRolledBack(until);
    } catch (thrown) {
      this.#onBroken(thrown);
    }
  }

  /** Whether the disk had no room for the index. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Says that all before `position` is in here. */
  reached(position: Position, batch: number, changes: number): void {
    this.#position = position;
    this.#lastBatch = batch;
    this.#changes += changes;
    if (this.#changes >= limits.catalogChangesMax && !this.#isFull) this.#tryCommit();
  }

  commit(): void {
    if (!this.#isOpen) return;
    const { setMeta, commit } = this.#statements;
    this.#packs.write();
    this.#buckets.write();
    setMeta.run(this.#position.pack, "pack");
    setMeta.run(this.#position.at, "at");
    setMeta.run(this.#lastId, "id");
    setMeta.run(this.#lastBatch, "batch");
    if (this.#isSettling) this.#settled = this.#firstUnderWay() ?? this.#lastId + 1;
    setMeta.run(this.#settled, "settled");
    commit.run();
    this.#packs.committed();
    this.#buckets.committed();
    this.#isOpen = false;
    this.#changes = 0;
    const pages = this.#statements.pagesAhead.get()?.["log"] as number;
    if (this.#checkpointer.isDue(pages > limits.catalogCheckpointPages))
      this.#whenRoom(() => this.#statements.checkpoint.get());
  }

  #whenRoom(upkeep: () => void): void {
    try {
      upkeep();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown; // it is tried again after the next commit
    }
  }

  /** True when all that is in here is on disk; false while somebody reads what was before. */
  checkpoint(): boolean {
    this.begin();
    this.commit();
    return this.#statements.checkpointFully.get()?.["busy"] === 0;
  }

  removedPack(pack: number): void {
    this.begin();
    this.#packs.drop(pack);
  }

  bucket(id: string): BucketEntry | undefined {
    return this.#buckets.get(id);
  }

  /** The bucket's entry, made if needed; to be changed in a transaction. */
  changeBucket(id: string): BucketEntry {
    return this.#buckets.change(id);
  }

  dropBucket(id: string): void {
    this.#buckets.drop(id);
  }

  added(pack: number, bytes: number): void {
    this.#packs.change(pack).bytes += bytes;
  }

  died(pack: number, bytes: number): void {
    this.#packs.change(pack).dead += bytes;
  }

  /** What there is in all buckets. */
  total(): BucketUse {
    if (this.#isOpen) this.#tryCommit();
    return this.#buckets.total();
  }

  /** Closes without keeping what was not committed. */
  abandon(): void {
    this.#timer?.cancel();
    this.database.close();
  }

  close(): void {
    this.#timer?.cancel();
    if (!this.database.isOpen) return;
    try {
      this.commit();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown; // the packs have it
    } finally {
      this.#checkpointer.close();
      this.database.close();
    }
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    begin: sql("BEGIN IMMEDIATE"),
    commit: sql("COMMIT"),
    getMeta: sql("SELECT value FROM meta WHERE key = ?"),
    setMeta: sql("UPDATE meta SET value = ? WHERE key = ?"),
    checkpointFully: sql("PRAGMA wal_checkpoint(FULL)"),
    pagesAhead: sql("PRAGMA wal_checkpoint(NOOP)"),
    checkpoint: sql("PRAGMA wal_checkpoint(PASSIVE)"),
  };
}
