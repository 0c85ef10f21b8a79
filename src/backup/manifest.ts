import { z } from "zod";

const count = z.number().int().nonnegative();

/**
 * The last file of a backup: without it the backup is not whole. A backup is a tar of
 * - `live/N.ndjson.gz`: records that were live at some moment, by serial, one as JSON in each line;
 * - `archived/N.ndjson.gz`: ended records, tasks first, in the reverse of the order they were made in,
 *   read while work went on;
 * - `changes/N.ndjson.gz`: every change since that moment, in order, so that all three together are
 *   the records as they were at `sequence`;
 * - `blobs/PROJECT/SHA-256`: what the records name, and all else that was kept;
 * - `secrets.json`: only when asked for;
 * - `objects/…`: the files of the store of objects as it was at that moment, under their names there, and in
 *   `object-digests/N.ndjson.gz`, behind them, the SHA-256 of each that came since the list before.
 */
export const manifestSchema = z.strictObject({
  format: z.literal("canopy-backup"),
  version: z.literal(1),
  /** The version of Canopy that made it, and when by its clock. */
  canopy: z.string(),
  takenAt: z.string(),
  sequence: count,
  serial: count,
  epoch: count,
  blobs: count,
  /** Absent where they are not in it. */
  objects: z
    .strictObject({
      /** Versions, and the bytes of all of them and of uploads under way. */
      objects: count,
      bytes: count,
      /** Files that are in it; and those that it should have, and that the disk has lost. */
      files: count,
      missing: count,
      /** The bytes of large objects are in another cluster, and not in it. */
      isElsewhere: z.boolean(),
    })
    .optional(),
  /** All files before it but blobs, which are named by their digest, and those of objects, which are in lists. */
  files: z.array(z.strictObject({ name: z.string(), sizeBytes: count, sha256: z.string() })),
});

export type Manifest = z.output<typeof manifestSchema>;

export type ObjectsTaken = NonNullable<Manifest["objects"]>;

/** A line of a list. */
export interface Digest {
  name: string;
  sha256: string;
}

export const objectsFolder = "objects/";
export const digestsPart = "object-digests";
export const manifestName = "manifest.json";
export const secretsName = "secrets.json";
