const KiB = 1024;
const MiB = 1024 * KiB;

/** Bounds of the store of objects. */
export const objectLimits = {
  /** Objects up to this size are kept in packs, larger ones in files of their own. */
  packedObjectBytesMax: 128 * KiB,
  /** A pack that is longer gets no more records. */
  packBytesMax: 256 * MiB,
  /** Of records that are written at once. */
  packBatchRecordsMax: 512,
  packBatchBytesMax: 8 * MiB,
  /** Packs that are open for reading at once. */
  packsOpenMax: 128,
  /** A read that took longer than this shows a slow disk: so many next ones go to a thread. */
  packReadSlowMs: 2,
  packReadsAside: 64,
  /** Payloads up to this size are read into blocks that they share. */
  packSharedReadBytesMax: 8 * KiB,
  packReadBlockBytes: 64 * KiB,
  /** Bytes of a pack that are read at once when it is walked. */
  packScanBytes: 1 * MiB,
  /** Bytes of a large object that are compressed, encrypted and checked together. */
  objectChunkBytes: 128 * KiB,
  /** Bytes of it that are read or written at once. */
  objectBlockBytes: 1 * MiB,
  /** Such blocks of one object that are on their way at once, of all objects beyond one for each, and that are kept for the next ones. */
  objectBlocksAhead: 4,
  /** What came in of large objects is collected as garbage after so many bytes. */
  objectGarbageBytes: 16 * MiB,
  /** So many of a file that is being written are synced before more follow. */
  objectEarlySyncBytes: 4 * MiB,
  objectBlocksMax: 64,
  objectBlocksKept: 16,
  /** Bytes that are sent to another cluster at once, and how often it is asked. */
  remotePartBytes: 8 * MiB,
  remoteTriesMax: 4,
  remoteConnectMs: 3_000,
  remoteAnswerMs: 20_000,
  /** Threads that hash large objects. */
  hashThreadsMax: 4,
  /** A chunk is kept compressed where that leaves at most this share of it. */
  packedShareMax: 0.9,
  /** The index commits after so many records, and at the latest after this. */
  catalogChangesMax: 2048,
  catalogCommitMs: 200,
  /** Who else reads it waits so long for it. */
  catalogWaitMs: 5_000,
  /** Pages of its write-ahead log after which they move into its file. */
  catalogCheckpointPages: 8192,
  /** A pack of which less than this share counts is compacted; looked for this often, at this speed. */
  compactionShareMin: 0.5,
  compactionLookMs: 60_000,
  compactionBytesASecond: 32 * MiB,
  compactionRecordsAtOnce: 64,
  /** Everything is read and checked this often, at this speed. */
  scrubEveryMs: 7 * 24 * 60 * 60_000,
  scrubBytesASecond: 16 * MiB,
  scrubRowsAtOnce: 64,
  /** Free space is asked for this often, when something is put. */
  objectSpaceCheckMs: 1_000,
  /** Keys that one list gives. */
  listKeysMax: 1000,
  /** Parts of an upload but the last are at least this long. */
  uploadPartBytesMin: 5 * MiB,
  /** What an envelope or a key file may ask of Argon2: 1 GiB, and so many passes. */
  objectKeyMemoryKiBMax: 1024 * 1024,
  objectKeyPassesMax: 16,
} as const;
