/** All that a store of objects had at one moment. It stays where it is, whatever goes on, until it is let go. */
export interface HeldObjects {
  /** Versions that are objects, of all buckets. */
  readonly objects: number;
  /** With parts of uploads that are under way. */
  readonly bytes: number;
  /** Whether the bytes of large objects are in another cluster, and not among the files. */
  readonly isElsewhere: boolean;
  /**
   * What a store is made of again, by the names that files have in its folder. Throws CanopyError "no-space" when it had to be let go
   * as the disk is nearly full.
   */
  files(): AsyncIterable<HeldFile>;
  /** Afterwards what nothing refers to goes. May be called again. */
  release(): void;
}

export interface HeldFile {
  name: string;
  /** Absent where the disk has lost it. */
  found?: { sizeBytes: number; content: AsyncIterable<Uint8Array> };
}

/** A store that is being made of files that were held of another. */
export interface MadeStore {
  /** On disk when it resolves. Throws CanopyError "damaged" for a name that no store gives. */
  add(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes the index; gives what there is. Must be the last call. */
  finish(asked: { isElsewhere: boolean }): Promise<{ objects: number; bytes: number }>;
}
