/** A text, a number, bytes, or nothing. */
export type Value = string | number | null | Uint8Array;

/** A database of several control planes, handed in to what keeps things there. */
export interface Database {
  /** The schema that holds all of Canopy's tables, quoted. */
  readonly schema: string;
  /**
   * Runs one statement as a transaction of its own; several, without `values`, as one too. It is on disk when
   * this resolves. Throws CanopyError "no-space", and "unavailable" when no answer came: then it may have been
   * done or not.
   */
  query<Row>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** Makes tables by these statements, unless there is one of that name. Of several who do so at once, one does. */
  make(table: string, sql: string): Promise<void>;
  /**
   * From when this resolves, calls `onNews` with what is said on a channel by `pg_notify`, and with "" when
   * something may have been missed. What it gives ends that.
   */
  listen(channel: string, onNews: (payload: string) => void): Promise<() => void>;
  close(): void;
}
