import { CanopyError } from "#/base/errors.ts";
import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";

/** Changes that became durable together: one group commit. */
export interface Batch {
  /** 1 for the first batch ever, then one more with each. */
  readonly sequence: number;
  readonly changes: readonly Change[];
  /** The serial of the newest record ever made, this batch included. */
  readonly serial: number;
}

/** What a log gives when it is opened. */
export interface Loaded {
  /** The sequence of the newest batch; 0 when there is none. */
  sequence: number;
  /** The serial of the newest record ever made. */
  serial: number;
  /** How often this log has been opened for writing, this time included. Fencing numbers begin with it. */
  epoch: number;
  /** All live records, by serial. */
  records: Iterable<AnyRecord>;
}

/**
 * Where the space's changes are kept. Live records are read back whole at start; archived ones stay
 * behind and are looked up by name. One contract test (`log.test.ts`) runs on every backend.
 */
export interface SpaceLog {
  /** Opens the log for writing; called once, before anything else. Throws "conflict" when another process has it open. */
  load(): Promise<Loaded>;
  /**
   * Adds a batch: all of it or nothing, on disk when this resolves. Sequences have no gaps. Throws
   * CanopyError "no-space" when the disk is full (nothing was written; it may be called again).
   * After any other error the state of the disk is not known, and the process must end.
   */
  append(batch: Batch): Promise<void>;
  /** Archived records by name, in the order asked for; undefined where there is none. */
  find<K extends Kind>(kind: K, names: readonly string[]): Promise<(RecordOfKind<K> | undefined)[]>;
  /**
   * Archived records of a kind whose names begin with `prefix`, after the one named `before` when
   * given. Newest first: tasks in the reverse of the order they were made in, others by name.
   */
  archived<K extends Kind>(
    kind: K,
    options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
  ): Promise<RecordOfKind<K>[]>;
  /** Batches after `sequence`, oldest first, at most `max`. Throws "not-found" when they were trimmed. */
  read(sequence: number, max: number): Promise<Batch[]>;
  close(): Promise<void>;
}

/** Who leads a shared log. */
export interface Leader {
  /** Grows with each change of leader. */
  epoch: number;
  /** Where the other control planes reach it. */
  url: string;
  /** Since it was last heard, by the clock of the log; Infinity when it has resigned. */
  silentMs: number;
}

/**
 * A log that several control planes share. One leads, and only its appends are taken; the others
 * follow: they read what it has appended. `load` is both in one: it leads, then follows, and throws
 * "conflict" when another leads.
 *
 * While the log cannot be reached, `append` waits and tries again until it is known whether its batch was
 * taken; all other calls throw "unavailable", and are tried again by who made them.
 */
export interface SharedLog extends SpaceLog {
  /** The newest state, with no right to append. Its `epoch` is that of the present leader. */
  follow(): Promise<Loaded>;
  /** Called when there may be something to read, or another leader. A hint that may get lost. */
  onNews: () => void;
  /** Undefined when nobody ever led. */
  leader(): Promise<Leader | undefined>;
  /**
   * Becomes the leader when there is none, it has resigned, or it was silent for `limits.leaderSilentMs`:
   * gives the new epoch, from which on no other leader can append. Undefined when another leads.
   */
  lead(url: string): Promise<number | undefined>;
  /** Says that this leader lives; appending says so too. Throws Deposed. */
  beat(): Promise<void>;
  /** Lets another lead at once. Nothing happens when this one does not lead. */
  resign(): Promise<void>;
}

/** Another control plane leads: what was being appended or said was not taken, and nothing more will be. */
export class Deposed extends Error {
  constructor() {
    super("Cannot append to the log as another control plane leads");
    this.name = "Deposed";
  }
}

/** This control plane does not lead, or not any more: nothing was done, and the leader may be asked instead. */
export class NotLeading extends CanopyError {
  constructor(reason: string) {
    super("unavailable", `Cannot commit as ${reason}`, { retryAfterMs: 1000 });
  }
}
