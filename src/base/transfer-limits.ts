const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Bounds of clients that bring objects to a store and from it. */
export const transferLimits = {
  /** A client of an object store tries a call so often, sends and fetches large objects in parts of this size, and so many at once. */
  objectTriesMax: 6,
  objectPartBytes: 8 * MiB,
  objectPartsAtOnce: 4,
  /** Parts of one upload, and the largest object that is copied at once: bounds of S3. */
  objectPartsMax: 10_000,
  objectCopyBytesMax: 5 * GiB,
  /** Objects that one call removes, and small files that are sent or fetched at once. */
  objectsRemovedAtOnce: 1000,
  objectFilesAtOnce: 8,
  /** Objects, and bytes, that one task of an export or an import brings; addresses signed for it are good for so long. */
  archiveSliceObjectsMax: 100,
  archiveSliceBytesMax: 256 * MiB,
  archiveSignedMs: 7 * 24 * 60 * 60_000,
} as const;
