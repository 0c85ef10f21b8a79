/** The part of a blob that is asked for; `length` past its end is cut to it. */
export interface ByteRange {
  offset: number;
  length: number;
}

export interface StoredBlob {
  /** SHA-256 of the content, in hexadecimal. */
  key: string;
  sizeBytes: number;
}

/**
 * Bytes under the SHA-256 of their content, per project: what is too large to travel inline. Equal
 * content is kept once per project; nobody reads across projects. One contract test
 * (`blobs.test.ts`) runs on every backend.
 */
export interface Blobs {
  /**
   * Keeps what `source` gives; on disk when this resolves. Nothing is left of a source that throws.
   * Throws "too-large" past `limits.blobBytesMax` and "no-space" when the disk is full.
   */
  put(project: string, source: AsyncIterable<Uint8Array> | Uint8Array): Promise<StoredBlob>;
  /** The blob, or a part of it, in pieces as they are read; undefined where there is none. */
  get(
    project: string,
    key: string,
    range?: ByteRange,
  ): Promise<{ sizeBytes: number; content: AsyncIterable<Uint8Array> } | undefined>;
  /** It counts as touched by that, as by put: who finds it may put nothing, and be about to name it. */
  stat(project: string, key: string): Promise<StoredBlob | undefined>;
  /** The projects that have blobs. */
  projects(): Promise<string[]>;
  /** Blobs of a project, in no order; those put or removed meanwhile may be told or not. */
  list(project: string): AsyncIterable<StoredBlob>;
  /** Nothing happens where there is none. */
  remove(project: string, key: string): Promise<void>;
  /** Whether `removeUntouched` would remove it now; it is not touched by that. Undefined where there is none. */
  isUntouched(project: string, key: string, untouchedMs: number): Promise<boolean | undefined>;
  /**
   * Removes a blob that nobody has touched for `untouchedMs`, and up to `limits.blobTouchedEveryMs` more: gives what is gone, or "touched".
   * Of this and a put or a stat at the same time the one is done before the other: what either said is there stays. Undefined where there is none.
   */
  removeUntouched(
    project: string,
    key: string,
    untouchedMs: number,
  ): Promise<StoredBlob | "touched" | undefined>;
}
