import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import {
  kinds,
  type AnyRecord,
  type Change,
  type Kind,
  type RecordOfKind,
} from "#/model/record.ts";
import { Families } from "./families.ts";
import {
  Deposed,
  NotLeading,
  type Batch,
  type Loaded,
  type SharedLog,
  type SpaceLog,
} from "./log.ts";
import { Staged } from "./staged.ts";

/** What a transaction gave, and when it may be told to the outside. */
export interface Committed<T> {
  readonly value: T;
  /** Resolves when the log has it on disk. Nothing that depends on it leaves the process earlier. */
  readonly durable: Promise<void>;
}

/** What a commit may do. It sees its own changes; all of them are applied, or none when it throws. */
export interface Transaction {
  get<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined;
  /** Makes a record, gives it a new revision, or (given one that was archived) restores it. */
  put<K extends Kind>(record: Draft<RecordOfKind<K>>): RecordOfKind<K>;
  /** Ends a record: out of memory, still found in the log. */
  archive<K extends Kind>(record: Draft<RecordOfKind<K>>): void;
  /** Takes a record out of memory and the log. The name of a task is never given again: ended tasks are found by where their names stand in a run. */
  delete(kind: Kind, name: string): void;
}

/** A record before it has its next revision. */
export type Draft<R> = R extends AnyRecord
  ? Omit<R, "revision" | "serial"> & { readonly revision?: number; readonly serial?: number }
  : never;

const retryFullMs = 1000;
/** Batches that a follower reads at once. */
const followBatchesMax = 256;

/**
 * All that Canopy knows, in memory, as a fold over a log. Reads are synchronous and see one
 * consistent state. A commit is applied at once and becomes durable with others in one fsync:
 * everything committed in one turn of the event loop, and by the loops that it woke, is one batch.
 */
export class Space {
  #families = new Families();
  #log: SpaceLog;
  #clock: Clock;
  #report: Log;
  #onBroken: (error: unknown) => void;
  #sequence = 0;
  #epoch = 0;
  #serial = 0;
  #pending: Change[] = [];
  #pendingDurable = Promise.withResolvers<void>();
  /** Of the batch that is being written. */
  #writingDurable = this.#pendingDurable;
  #state: "following" | "idle" | "due" | "writing" | "closed" = "idle";
  #full: CanopyError | undefined;
  #held: CanopyError | undefined;
  #retry: Timer | undefined;
  #stagedListeners = new Map<Kind, (tx: Transaction, changes: readonly Change[]) => void>();
  #appliedListeners = new Set<(changes: readonly Change[]) => void>();
  #durableListeners = new Set<(batch: Batch) => void>();
  #committing = false;

  private constructor(parts: SpaceParts) {
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#report = parts.report;
    this.#onBroken = parts.onBroken;
  }

  /** Reads the log into memory. `onBroken` is called once when the log can no longer be trusted: it must end the process. */
  static async open(parts: SpaceParts): Promise<Space> {
    const space = new Space(parts);
    space.#take(await parts.log.load());
    return space;
  }

  /**
   * Reads a log that another control plane leads. Such a space changes only by `advance()`, and
   * refuses commits with "unavailable", until `lead()`.
   */
  static async follow(parts: SpaceParts & { log: SharedLog }): Promise<Space> {
    const space = new Space(parts);
    space.#state = "following";
    space.#take(await parts.log.follow());
    return space;
  }

  #take({ sequence, serial, epoch, records }: Loaded): void {
    for (const record of records) this.#families.set(record);
    this.#sequence = sequence;
    this.#serial = serial;
    this.#epoch = epoch;
  }

  /**
   * Reads to the end of the log. What came is applied batch by batch, each told to the listeners of
   * both kinds. Calls may overlap. Throws "not-found" when the log does not have what comes next: it
   * was trimmed, or is no longer the log that it was; then only a new space can follow it.
   */
  async advance(): Promise<void> {
    for (let more = true; more;) {
      const batches = await this.#log.read(this.#sequence, followBatchesMax);
      for (const batch of batches) this.#follow(batch);
      more = batches.length === followBatchesMax && this.#state === "following";
    }
  }

  /** Takes commits from now on. Called when the log has given this epoch, and all that it holds has been read. */
  lead(epoch: number): void {
    if (this.#state !== "following") throw new Error("Cannot lead twice");
    this.#state = "idle";
    this.#epoch = epoch;
  }

  /** Refuses all commits from now on, and writes nothing more: another may lead. What is being written is not waited for. */
  stepDown(): void {
    this.#state = "closed";
    this.#retry?.cancel();
  }

  /** How often the log has been opened: grows with every start. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The newest durable batch. */
  get sequence(): number {
    return this.#sequence;
  }

  get<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined {
    return this.#families.get(kind, name);
  }

  /** Live records of a kind that are part of `parent` ("" for those that stand alone), in the order they were made. */
  list<K extends Kind>(kind: K, parent = ""): Iterable<RecordOfKind<K>> {
    return this.#families.members(kind, parent).values();
  }

  /** Live records of a kind, whatever they are part of. */
  all<K extends Kind>(kind: K): Iterable<RecordOfKind<K>> {
    return this.#families.all(kind);
  }

  count(kind: Kind, parent = ""): number {
    return this.#families.members(kind, parent).size;
  }

  /** Everything live as it is now, what is not yet durable too, as a log would give it: by serial. */
  snapshot(): Loaded & { records: AnyRecord[] } {
    const records = kinds.flatMap((kind): AnyRecord[] => [...this.all(kind)]);
    records.sort((a, b) => a.serial - b.serial);
    return { sequence: this.#sequence, serial: this.#serial, epoch: this.#epoch, records };
  }

  /** Records by name, archived ones too. Live ones are as they are in memory. */
  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    const found = names.map((name) => this.get(kind, name));
    const missing = names.filter((_, index) => !found[index]);
    if (missing.length === 0) return found;
    await this.durable();
    const archived = new Map(
      (await this.#log.find(kind, missing)).map((record, index) => [missing[index]!, record]),
    );
    return names.map((name, index) => found[index] ?? this.get(kind, name) ?? archived.get(name));
  }

  /** Archived records; see `SpaceLog.archived`. */
  async archived<K extends Kind>(
    kind: K,
    options: Parameters<SpaceLog["archived"]>[1],
  ): Promise<RecordOfKind<K>[]> {
    await this.durable();
    return this.#log.archived(kind, options);
  }

  /**
   * Runs `action` to its end and applies what it staged. Throws what `action` throws, having changed
   * nothing, and "no-space" while the disk is full.
   */
  commit<T>(action: (tx: Transaction) => T): Committed<T> {
    if (this.#committing) throw new Error("Cannot commit inside a commit");
    if (this.#state === "closed" || this.#state === "following") throw this.#cannotCommit();
    const refusal = this.#full ?? this.#held;
    if (refusal) throw refusal;
    const staged = new Staged((kind, name) => this.get(kind, name), this.#serial);
    this.#committing = true;
    let value: T;
    try {
      value = action(staged);
      for (const [kind, listener] of this.#stagedListeners) {
        const changesOfKind = staged.changesOf(kind);
        if (changesOfKind) listener(staged, changesOfKind);
      }
    } finally {
      this.#committing = false;
    }
    const changes = staged.changes();
    this.#serial = staged.serial;
    if (changes.length > 0) this.#apply(changes);
    return { value, durable: this.durable() };
  }

  /** Refuses commits with `reason` until called with undefined: before a disk is full, rather than after. */
  hold(reason: CanopyError | undefined): void {
    this.#held = reason;
  }

  /** Resolves when all that has been committed so far is on disk. */
  durable(): Promise<void> {
    if (this.#state === "idle" || this.#state === "following") return Promise.resolve();
    // With nothing pending behind the batch that is being written, no later one may ever come.
    if (this.#state === "writing" && this.#pending.length === 0)
      return this.#writingDurable.promise;
    return this.#pendingDurable.promise;
  }

  /**
   * Calls `listener` at the end of each transaction that changes records of `kind`: what it stages is part of the same commit, which
   * is refused where it throws. The space still tells what was before. A kind has one listener.
   */
  onStaged(kind: Kind, listener: (tx: Transaction, changes: readonly Change[]) => void): void {
    this.#stagedListeners.set(kind, listener);
  }

  /** Calls `listener` with the changes of each commit, at once and before they are durable: for loops inside only. */
  onApplied(listener: (changes: readonly Change[]) => void): () => void {
    this.#appliedListeners.add(listener);
    return () => this.#appliedListeners.delete(listener);
  }

  /** Calls `listener` with each batch when it has become durable. */
  onDurable(listener: (batch: Batch) => void): () => void {
    this.#durableListeners.add(listener);
    return () => this.#durableListeners.delete(listener);
  }

  /** Durable batches after `sequence`, in order, with no gap; see `SpaceLog.read`. */
  read(sequence: number, max: number): Promise<Batch[]> {
    return this.#log.read(sequence, max);
  }

  /** Waits for what is pending, then closes the log. */
  async close(): Promise<void> {
    if (!this.#full && this.#state !== "closed") await this.durable();
    this.#state = "closed";
    this.#retry?.cancel();
    await this.#log.close();
  }

  #cannotCommit(): NotLeading {
    const isFollowing = this.#state === "following";
    return new NotLeading(isFollowing ? "another control plane leads" : "Canopy is stopping");
  }

  #follow(batch: Batch): void {
    if (batch.sequence !== this.#sequence + 1 || this.#state !== "following") return;
    this.#fold(batch.changes);
    this.#sequence = batch.sequence;
    this.#serial = batch.serial;
    for (const listener of this.#appliedListeners) listener(batch.changes);
    for (const listener of this.#durableListeners) listener(batch);
  }

  #fold(changes: readonly Change[]): void {
    for (const { op, record } of changes) {
      if (op === "put" || op === "restore") this.#families.set(record);
      else this.#families.remove(record.kind, record.name);
    }
  }

  #apply(changes: Change[]): void {
    this.#fold(changes);
    for (const change of changes) this.#pending.push(change);
    // Loops that this wakes have their turn before what is now pending is written, and are in the same batch.
    for (const listener of this.#appliedListeners) listener(changes);
    if (this.#state === "idle") this.#flushSoon();
  }

  /** A few changes are written at the next turn; many wait one more, as what is on its way then shares their sync. */
  #flushSoon(): void {
    this.#state = "due";
    this.#clock.soon(() => {
      if (this.#pending.length <= limits.syncInlineChangesMax) void this.#flush();
      else this.#clock.soon(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "writing";
    const batch: Batch = {
      sequence: this.#sequence + 1,
      serial: this.#serial,
      changes: this.#pending,
    };
    this.#pending = [];
    const current = this.#pendingDurable;
    this.#writingDurable = current;
    this.#pendingDurable = Promise.withResolvers<void>();
    try {
      await this.#log.append(batch);
    } catch (thrown) {
      // What came meanwhile goes into the same batch, the next time it is tried.
      void current.promise.then(this.#pendingDurable.resolve);
      this.#pendingDurable = current;
      return this.#failed(batch, thrown);
    }
    this.#full = undefined;
    this.#sequence = batch.sequence;
    if (this.#hasClosed()) return current.resolve();
    if (this.#pending.length > 0) this.#flushSoon();
    else this.#state = "idle";
    current.resolve();
    for (const listener of this.#durableListeners) listener(batch);
  }

  #hasClosed(): boolean {
    return this.#state === "closed";
  }

  /** A full disk: nothing was written, so it is tried again. Anything else: what is on disk is unknown, so nothing more is said. */
  #failed(batch: Batch, thrown: unknown): void {
    if (this.#hasClosed()) return;
    if (!(thrown instanceof CanopyError && thrown.code === "no-space")) {
      this.#state = "closed";
      if (!(thrown instanceof Deposed)) {
        this.#report.error("the log failed; stopping, as what it holds is no longer known", {
          error: messageOf(thrown),
        });
      }
      this.#onBroken(thrown);
      return;
    }
    if (!this.#full) this.#report.warn(thrown.message, { hint: thrown.hint });
    this.#full = thrown;
    this.#pending = [...batch.changes, ...this.#pending];
    this.#state = "due";
    this.#retry = this.#clock.after(retryFullMs, () => void this.#flush(), true);
  }
}

export interface SpaceParts {
  log: SpaceLog;
  clock: Clock;
  report: Log;
  onBroken: (error: unknown) => void;
}
