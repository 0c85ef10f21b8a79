import { z } from "zod";

const count = z.number().int().nonnegative();

/**
 * The last file of a backup: without it the backup is not whole. A backup is a tar of
 * - `live/N.ndjson.gz`: records that were live at some moment, by serial, one as JSON in each line;
 * - `archived/N.ndjson.gz`: ended records, tasks first, in the reverse of the order they were made in,
 *   read while work went on;
 * - `changes/N.ndjson.gz`: every change since that moment, in order, so that all three together are
 *   the records as they were at `sequence`;
 * - `objects/PROJECT/SHA-256`: what the records name, and all else that was kept;
 * - `secrets.json`: only when asked for.
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
  objects: count,
  /** All files before it but the objects, which are named by their own. */
  files: z.array(z.strictObject({ name: z.string(), sizeBytes: count, sha256: z.string() })),
});

export type Manifest = z.output<typeof manifestSchema>;

export const manifestName = "manifest.json";
export const secretsName = "secrets.json";
