import { dirname, resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { openDiskFile, type DiskFile } from "#/base/nbd/disk-file.ts";
import { ChunkCodec, diskChunkBytes } from "#/model/disk-chunks.ts";
import { readDisk } from "#/model/disk-copy.ts";
import type { DiskManifest } from "#/model/volume.ts";
import { outputOf, type ImportParts } from "./import-parts.ts";

/** What was brought of a disk: the blob that lists its chunks, and how much of it the cloud had not. */
export interface BroughtDisk {
  manifest: string;
  sizeBytes: number;
  newBytes: number;
}

interface DiskInfo {
  "backing-filename"?: string;
  "format-specific"?: { data?: { "data-file"?: string; extents?: { filename: string }[] } };
}

/**
 * Puts what is on a disk as chunks that the cloud has not yet. Throws CanopyError "invalid" for a file that names
 * other files as parts of it: it may have come from anywhere, and would bring files of this computer along. Also for one that is damaged.
 */
export async function bringDisk(
  parts: ImportParts,
  file: Pick<DiskFile, "path" | "format">,
): Promise<BroughtDisk> {
  await requireWhole(parts, file);
  await requireUndamaged(parts, file);
  const { client, world, onProgress } = parts;
  const env = { PATH: world.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
  const disk = await openDiskFile({ ...parts, clock: world.clock, files: world.files, env }, file, {
    isReadOnly: true,
  });
  try {
    const { sizeBytes } = disk.contents;
    let newBytes = 0;
    const put = async (key: string, blob: Uint8Array) => {
      if (await client.hasBlob(key)) return;
      newBytes += blob.byteLength;
      await client.putBlob(blob);
    };
    const { chunks, digests } = await readDisk(disk.contents, {
      codec: new ChunkCodec(undefined),
      put,
      onProgress: (percent) => onProgress("disk", percent),
    });
    const manifest: DiskManifest = { sizeBytes, chunkBytes: diskChunkBytes, chunks, digests };
    const { key } = await client.putBlob(Buffer.from(JSON.stringify(manifest)));
    return { manifest: key, sizeBytes, newBytes };
  } finally {
    await disk.close();
  }
}

async function requireWhole(
  parts: ImportParts,
  { path, format }: Pick<DiskFile, "path" | "format">,
): Promise<void> {
  if (format === "raw") return;
  const said = await outputOf(parts, ["qemu-img", "info", "--output=json", "-f", format, path]);
  if (said.code !== 0)
    throw new CanopyError("invalid", `Cannot import ${path}: ${said.errors.trim()}`);
  const info = JSON.parse(said.output) as DiskInfo;
  const { extents = [], "data-file": dataFile } = info["format-specific"]?.data ?? {};
  const others = [info["backing-filename"], dataFile, ...extents.map(({ filename }) => filename)]
    .filter((name) => name !== undefined)
    .filter((name) => resolve(dirname(path), name) !== resolve(path));
  if (others.length === 0) return;
  throw new CanopyError(
    "invalid",
    `Cannot import ${path} as all of a disk must be in one file: it stands on ${others[0]}`,
    { hint: `qemu-img convert -O qcow2 ${path} whole.qcow2` },
  );
}

/** How `qemu-img check` ends (qemu-img(1)); leaks lose room and nothing else, and some formats have no checks. */
const failed = 1;
const isDamaged = 2;

/** What a truncated file has lost would be read as zeros, without a word. */
async function requireUndamaged(
  parts: ImportParts,
  { path, format }: Pick<DiskFile, "path" | "format">,
): Promise<void> {
  if (format === "raw") return;
  const { code, errors } = await outputOf(parts, ["qemu-img", "check", "-q", "-f", format, path]);
  if (code !== failed && code !== isDamaged) return;
  const [first = ""] = errors.trim().split("\n");
  throw new CanopyError("invalid", `Cannot import ${path} as it is damaged: ${first}`, {
    hint: "Fetch it again, or see what is left of it: qemu-img check",
  });
}
