import type { Readable } from "node:stream";
import type {
  Checksum,
  DeleteMarker,
  ObjectEncryption,
  ObjectHeaders,
  ObjectMarks,
  ObjectPart,
  ObjectVersion,
  StorageClass,
  Versioning,
} from "./object-version.ts";

/** Where an object is. `bucket` is the bucket's id, which is never used twice, not its name. */
export interface ObjectPlace {
  bucket: string;
  key: string;
}

/** Bytes as they come: at once, or in pieces. */
export type ObjectSource = Uint8Array | AsyncIterable<Uint8Array>;

/** What must hold of the current version for a write to be made. Judged with the write, so that of two only one wins. */
export interface WriteCondition {
  /** An ETag without quotes, or "*" for any. Fails with NoSuchKey where there is none. */
  ifMatch?: string;
  /** "*": there must be none. */
  ifNoneMatch?: "*";
  /** Of conditional deletes. */
  ifModifiedMs?: number;
  ifSizeBytes?: number;
}

/** Which versions the bucket keeps; or what says it at the moment in which the object gets its name, or loses it. */
export type VersioningThen = Versioning | (() => Versioning);

export interface PutOptions extends ObjectHeaders, ObjectMarks {
  versioning: VersioningThen;
  ownerId: string;
  storageClass: StorageClass;
  condition?: WriteCondition;
  /** Known sizes spare memory: small objects never touch a file of their own. */
  sizeBytes?: number;
  /** What is computed on the way beside MD5; `expected` is given once all bytes came (trailers). */
  checksum?: { algorithm: Checksum["algorithm"]; expected?: () => string | undefined };
  /** MD5 that the client promised, in hexadecimal: another one is refused with BadDigest. */
  contentMd5?: string;
  /** SHA-256 that the client promised, in hexadecimal, where nobody has looked yet; another one is refused as `refuse` says. */
  contentSha256?: { expected: string; refuse(computed: string): Error };
  /** The 32-byte key that the bytes are encrypted with. */
  encryption?: { about: ObjectEncryption; key: Uint8Array };
}

export interface PutResult {
  version: ObjectVersion;
  /** The version that was replaced in place (no versions, or "null"), for quota and events. */
  replacedBytes: number;
}

export interface DeleteResult {
  /** What was removed for good. */
  removed?: ObjectVersion | DeleteMarker;
  /** The marker that was put instead. */
  marker?: DeleteMarker;
}

export interface ListAsked {
  prefix?: string;
  delimiter?: string;
  /** Only keys after this, in the order of their bytes. A prefix that ends in the delimiter stands for all below it. */
  after?: string;
  /** Of versions: those of `after` that come after this one too. */
  afterVersionId?: string;
  max: number;
}

export interface Listed<Entry> {
  entries: Entry[];
  commonPrefixes: string[];
  /** Where to go on; absent when this is the end. */
  next?: { after: string; afterVersionId?: string };
}

export interface Upload extends ObjectHeaders, ObjectMarks {
  uploadId: string;
  key: string;
  startedMs: number;
  ownerId: string;
  storageClass: StorageClass;
  checksum?: { algorithm: Checksum["algorithm"]; type: Checksum["type"] };
  encryption?: ObjectEncryption;
}

export interface UploadedPart extends ObjectPart {
  modifiedMs: number;
}

/** How much a bucket holds, of all versions, parts of uploads included. */
export interface BucketUse {
  objects: number;
  bytes: number;
}

/**
 * Objects under keys in buckets: all that S3 means by that, without its protocol. What is acknowledged is
 * on disk, and seen by every read and list that begins after. Throws AwsError with the code that S3 documents
 * ("PreconditionFailed", "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "BadDigest", "XAmzContentChecksumMismatch",
 * "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "AccessDenied" of what is locked …), and with status 507 when the disk is full;
 * nothing of a write that threw is left or seen. Whether a bucket exists is asked before, of its record.
 */
export interface ObjectStore {
  put(place: ObjectPlace, source: ObjectSource, options: PutOptions): Promise<PutResult>;
  /** The current version, or the one named; markers too. */
  find(
    place: ObjectPlace,
    versionId?: string,
  ): Promise<ObjectVersion | DeleteMarker | undefined> | ObjectVersion | DeleteMarker | undefined;
  /**
   * The bytes of a version that `find` gave, verified against the checksums that were kept apart from them: `range` in
   * bytes of the object, `end` exclusive. A small object comes as one piece of memory. `key` opens what is encrypted.
   */
  read(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: { start: number; end: number }; key?: Uint8Array },
  ): Promise<Uint8Array | Readable>;
  /** The same, for who passes pieces on at once: each is only lent, and its memory used again when the next is asked for. */
  lend(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: { start: number; end: number }; key?: Uint8Array },
  ): Promise<Uint8Array | AsyncIterable<Uint8Array>>;
  /**
   * Without `versionId`: removes the object, or hides it behind a marker where there are versions. With it: removes that
   * version for good, unless it is locked; `mayBypassGovernance` lifts that mode.
   */
  delete(
    place: ObjectPlace,
    asked: {
      versioning: VersioningThen;
      ownerId: string;
      versionId?: string;
      condition?: WriteCondition;
      mayBypassGovernance?: boolean;
    },
  ): Promise<DeleteResult>;
  /** Changes marks of one version; what is `null` goes. Throws "AccessDenied" for a retention that may not be shortened. */
  mark(
    place: ObjectPlace,
    versionId: string | undefined,
    marks: { [Name in keyof ObjectMarks]: ObjectMarks[Name] | null },
    asked?: { mayBypassGovernance?: boolean },
  ): Promise<ObjectVersion>;
  /** Moves a version to another storage class; its bytes are written anew when that keeps them otherwise. */
  transition(
    place: ObjectPlace,
    versionId: string | undefined,
    storageClass: StorageClass,
  ): Promise<ObjectVersion>;
  list(bucket: string, asked: ListAsked): Promise<Listed<ObjectVersion>>;
  listVersions(bucket: string, asked: ListAsked): Promise<Listed<ObjectVersion | DeleteMarker>>;

  beginUpload(
    place: ObjectPlace,
    options: Omit<Upload, "uploadId" | "key" | "startedMs">,
  ): Promise<Upload>;
  findUpload(place: ObjectPlace, uploadId: string): Promise<Upload | undefined>;
  putPart(
    place: ObjectPlace,
    uploadId: string,
    number: number,
    source: ObjectSource,
    options: Pick<
      PutOptions,
      "sizeBytes" | "checksum" | "contentMd5" | "contentSha256" | "encryption"
    >,
  ): Promise<UploadedPart>;
  listParts(
    place: ObjectPlace,
    uploadId: string,
    asked: { after?: number; max: number },
  ): Promise<{ parts: UploadedPart[]; next?: number }>;
  completeUpload(
    place: ObjectPlace,
    uploadId: string,
    parts: readonly { number: number; etag: string; checksum?: string }[],
    options: Pick<PutOptions, "versioning" | "condition"> & {
      checksum?: Checksum;
      sizeBytes?: number;
    },
  ): Promise<PutResult>;
  abortUpload(place: ObjectPlace, uploadId: string): Promise<void>;
  listUploads(
    bucket: string,
    asked: {
      prefix?: string;
      delimiter?: string;
      after?: string;
      afterUploadId?: string;
      max: number;
    },
  ): Promise<{
    uploads: Upload[];
    commonPrefixes: string[];
    next?: { after: string; afterUploadId: string };
  }>;

  use(bucket: string): BucketUse;
  /**
   * Forgets a bucket. Throws "BucketNotEmpty" while it has versions; uploads under way are aborted, and a write that ends later
   * throws "NoSuchBucket".
   */
  removeBucket(bucket: string): Promise<void>;
}
