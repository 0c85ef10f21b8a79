/**
 * Where the bytes of large objects are: opaque runs of bytes by number, whose meaning only the store's records know. One that was
 * finished is never changed.
 */
export interface BigBytes {
  create(number: number): Promise<BigWriter>;
  /** Throws `Missing` where there is none. */
  open(number: number): Promise<BigReader>;
  /** Nothing happens where there is none. */
  remove(number: number): Promise<void>;
  /** The numbers of those that are there, of at least `from`. */
  from(from: number): AsyncIterable<number>;
  close(): void;
}

export interface BigWriter {
  /** Takes what follows on what was written before, which may still be on its way. The memory may be used again when this resolves. */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** All of it is kept for good when this resolves. Called when every write has resolved. */
  finish(): Promise<void>;
  /** Ends without keeping anything; also after one that failed. */
  drop(): Promise<void>;
}

export interface BigReader {
  /** Shorter at the end. `into` may be filled and given back, where it is long enough. */
  read(at: number, length: number, into?: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

/** There is nothing of that number. */
export class Missing extends Error {}
