import { createHash } from "node:crypto";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdCompress } from "node:zlib";
import { CanopyError } from "#/base/errors.ts";
import type { ImageInput } from "#/model/image-views.ts";
import { readArchive, type ArchivePart, type ImageConfig } from "./archive.ts";
import { checkLayer, packingOf } from "./layer-check.ts";
import type { ImportParts } from "./import-parts.ts";

const architectures = { amd64: "x86_64", arm64: "arm64" } as const;

/**
 * Puts the layers of an image in an archive, each held against its digests and rules first. Gives what is to be asked for.
 * Throws CanopyError "invalid" for one that is damaged, or would reach out of itself.
 */
export async function bringArchive(
  parts: ImportParts,
  path: string,
): Promise<Pick<ImageInput, "architecture" | "source">> {
  const whole = await plainTar(parts, path);
  const { files } = parts.world;
  const { config, layers } = await readArchive(files, whole, "amd64");
  const { architecture = "amd64", os = "linux", rootfs = {} } = config;
  if (os !== "linux" || !(architecture === "amd64" || architecture === "arm64"))
    throw new CanopyError(
      "invalid",
      `Cannot import ${path} as it must be of Linux on amd64 or arm64: it is of ${os} on ${architecture}`,
    );
  const keys: string[] = [];
  for (const [number, layer] of layers.entries()) {
    const told = rootfs.diff_ids?.[number];
    keys.push(await bringLayer(parts, whole, { ...layer, ...(told !== undefined && { told }) }));
    parts.onProgress("layers", Math.floor(((number + 1) / layers.length) * 100));
  }
  return {
    architecture: architectures[architecture],
    source: { type: "files", layers: keys, run: runOf(config) },
  };
}

/** The archive, unpacked where it is packed as a whole. */
async function plainTar({ world: { files }, folder }: ImportParts, path: string): Promise<string> {
  const head = (await files.read(path, { offset: 0, length: 4 })) ?? new Uint8Array();
  if (packingOf(head) !== "gzip") return path;
  const unpacked = join(folder, "archive.tar");
  const opened = createGunzip();
  pipeline(Readable.from(files.stream(path)), opened, () => {});
  await files.writeStream(unpacked, opened as AsyncIterable<Uint8Array>);
  return unpacked;
}

/** Puts one layer, and gives its key; one that is not packed is packed on its way. */
async function bringLayer(
  { client, world: { files } }: ImportParts,
  path: string,
  { offset, sizeBytes, digest, told }: ArchivePart & { told?: string },
): Promise<string> {
  const place = { offset, length: sizeBytes };
  const packing = packingOf((await files.read(path, { offset, length: Math.min(4, sizeBytes) }))!);
  const hash = createHash("sha256");
  const seen = hashed(files.stream(path, place), hash);
  const { digest: tarDigest } = await checkLayer(seen, packing);
  for await (const _rest of seen); // what stands behind a packed layer
  const own = hash.digest("hex");
  if (digest !== undefined && own !== digest) throw isDamaged(digest, own);
  if (told !== undefined && told !== `sha256:${tarDigest}`) throw isDamaged(told, tarDigest);
  if (packing !== "none") {
    if (!(await client.hasBlob(own))) await client.putBlob(files.stream(path, place));
    return own;
  }
  return (await client.putBlob(packed(files.stream(path, place)))).key;
}

/** A stream, packed. */
export function packed(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const packing = createZstdCompress();
  pipeline(Readable.from(source), packing, () => {}); // what fails is thrown to who reads
  return packing as AsyncIterable<Uint8Array>;
}

async function* hashed(source: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
}

function runOf({ config = {} }: ImageConfig) {
  const { Entrypoint, Cmd, Env, WorkingDir, User, ExposedPorts, StopSignal } = config;
  return {
    entrypoint: Entrypoint ?? [],
    command: Cmd ?? [],
    env: Env ?? [],
    folder: WorkingDir || "/",
    user: User ?? "",
    ports: Object.keys(ExposedPorts ?? {}).flatMap((word) => {
      const [, port] = /^(\d+)(?:\/tcp)?$/.exec(word) ?? [];
      return port === undefined ? [] : [Number(port)];
    }),
    stopSignal: StopSignal || "SIGTERM",
  };
}

const isDamaged = (told: string, found: string) =>
  new CanopyError(
    "invalid",
    `Cannot import a layer as it is damaged: its digest must be ${told}, and is ${found}`,
  );
