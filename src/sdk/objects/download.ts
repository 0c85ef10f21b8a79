import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { bytesOf } from "#/base/body.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { World } from "../world.ts";
import { verifierOf } from "./checksums.ts";
import { ahead } from "./pieces.ts";
import { formatObjectName, type ObjectName } from "./place.ts";
import type { MasterKey } from "./sealed/keys.ts";
import {
  envelopeOf,
  open,
  openChunks,
  openDataKey,
  openLast,
  shapeOf,
  type DataKey,
  type Envelope,
} from "./sealed/seal.ts";
import type { ObjectHead, ObjectsClient } from "./store.ts";

/** What is done about objects that are sealed. */
export interface Opening {
  /** Gives the key of a sealed object. With it, what is not sealed is refused: whoever holds the store may have put it there. */
  keyFor?: (envelope: Envelope) => Promise<MasterKey>;
  /** Also one that was sealed under another name. */
  isAnyName?: boolean;
  /** What is sealed is left so. */
  isRaw?: boolean;
}

export interface DownloadOptions extends Opening {
  partsAtOnce?: number;
  /** Told of bytes that came, or were there already. */
  onBytes?: (count: number) => void;
  signal?: AbortSignal;
}

export interface Downloaded {
  /** Of the file. */
  sizeBytes: number;
  /** Bytes that a download before had brought. */
  reusedBytes: number;
}

/**
 * Fetches an object into a file, which is there when all of it is, compared with the store's checksum, or opened with its key. What
 * was fetched until this is cut off stays beside it under a name that tells the object's ETag, and is gone on with.
 */
export async function download(
  client: ObjectsClient,
  { files }: Pick<World, "files">,
  name: ObjectName,
  file: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const head = await client.head(name, options.signal);
  const dataKey = await dataKeyOf(head, name, options);
  const aside = asideOf(client, name, head, file);
  let reusedBytes = (await files.stat(aside))?.sizeBytes ?? 0;
  if (reusedBytes > head.sizeBytes) {
    await files.remove(aside);
    reusedBytes = 0;
  }
  const verifier = dataKey ? undefined : await verifierOf(head.headers, head.etag);
  if (reusedBytes > 0) {
    if (verifier) for await (const piece of files.stream(aside)) verifier.update(piece);
    options.onBytes?.(reusedBytes);
  }
  const appender = await files.append(aside);
  try {
    for await (const piece of storedBytes(client, name, head, reusedBytes, options)) {
      verifier?.update(piece);
      await appender.write(piece);
      options.onBytes?.(piece.byteLength);
    }
    await appender.sync();
  } finally {
    await appender.close();
  }
  try {
    verifier?.verify();
    if (!dataKey) {
      await files.rename(aside, file);
      return { sizeBytes: head.sizeBytes, reusedBytes };
    }
    const opened = open(files.stream(aside), dataKey, head.sizeBytes);
    const { sizeBytes } = await files.writeStream(file, opened);
    await files.remove(aside);
    return { sizeBytes, reusedBytes };
  } catch (thrown) {
    // To go on with what is damaged would fail again.
    if (thrown instanceof CanopyError && thrown.code === "damaged") await files.remove(aside);
    throw thrown;
  }
}

/** An object, or the bytes of it from `start` up to `end` (exclusive), as they come; opened with its key if it is sealed. */
export async function* readObject(
  client: ObjectsClient,
  name: ObjectName,
  options: DownloadOptions & { start?: number; end?: number } = {},
): AsyncGenerator<Uint8Array> {
  const head = await client.head(name, options.signal);
  const dataKey = await dataKeyOf(head, name, options);
  const isPart = options.start !== undefined || options.end !== undefined;
  if (isPart) return yield* readPart(client, name, head, dataKey, options);
  const stored = storedBytes(client, name, head, 0, options);
  if (dataKey) return yield* open(stored, dataKey, head.sizeBytes);
  const verifier = await verifierOf(head.headers, head.etag);
  for await (const piece of stored) {
    verifier?.update(piece);
    yield piece;
  }
  verifier?.verify();
}

async function* readPart(
  client: ObjectsClient,
  name: ObjectName,
  head: ObjectHead,
  dataKey: DataKey | undefined,
  { start = 0, end = Infinity, signal }: { start?: number; end?: number; signal?: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const shape = dataKey && shapeOf(dataKey, head.sizeBytes);
  const to = Math.min(end, shape?.plainBytes ?? head.sizeBytes);
  if (start >= to) return;
  const get = async (from: number, until: number) =>
    (await client.get(name, { start: from, end: until, etag: head.etag, signal })).body;
  if (!dataKey || !shape) return yield* await get(start, to);
  // Only with the last chunk it is known that the object has the size that the store tells.
  openLast(await bytesOf(await get(shape.bodyBytes, head.sizeBytes)), dataKey, shape);
  const first = Math.floor(start / shape.chunkBytes);
  const last = Math.ceil(to / shape.chunkBytes);
  const stored = await get(
    first * shape.fullBytes,
    Math.min(last * shape.fullBytes, shape.bodyBytes),
  );
  let at = first * shape.chunkBytes;
  for await (const piece of openChunks(stored, dataKey, shape, first)) {
    yield piece.subarray(Math.max(0, start - at), to - at);
    at += piece.length;
  }
  if (at < to)
    throw new CanopyError(
      "damaged",
      "Cannot open this part of a sealed object as not all of it came",
    );
}

/** Bytes as they are stored, from there on, in parts of which several are fetched at once. */
async function* storedBytes(
  client: ObjectsClient,
  name: ObjectName,
  { sizeBytes, etag }: ObjectHead,
  from: number,
  { signal, partsAtOnce = limits.objectPartsAtOnce }: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  const starts = function* () {
    for (let at = from; at < sizeBytes; at += limits.objectPartBytes) yield at;
  };
  yield* ahead(starts(), partsAtOnce, async (start) => {
    const end = Math.min(start + limits.objectPartBytes, sizeBytes);
    for (let tries = 1; ; tries++) {
      try {
        const isWhole = start === 0 && end === sizeBytes;
        const asked = { ...(!isWhole && { start, end }), etag, signal };
        const bytes = await bytesOf((await client.get(name, asked)).body);
        if (bytes.length === end - start) return bytes;
        throw new CanopyError(
          "unavailable",
          `Cannot read ${formatObjectName(name)} as its end did not come`,
        );
      } catch (thrown) {
        const isPassing = thrown instanceof CanopyError && thrown.code === "unavailable";
        if (!isPassing || tries >= limits.objectTriesMax) throw thrown;
      }
    }
  });
}

async function dataKeyOf(
  head: ObjectHead,
  name: ObjectName,
  opening: Opening,
): Promise<DataKey | undefined> {
  return (await openedKey(head, name, opening))?.dataKey;
}

/** What opens an object, and what that was sealed with; undefined when it is taken as it is. */
export async function openedKey(
  { metadata }: ObjectHead,
  name: ObjectName,
  { keyFor, isAnyName, isRaw }: Opening,
): Promise<{ dataKey: DataKey; master: MasterKey } | undefined> {
  if (isRaw) return undefined;
  const envelope = envelopeOf(metadata);
  if (!envelope) {
    if (!keyFor) return undefined;
    throw new CanopyError(
      "damaged",
      `Cannot open ${formatObjectName(name)} with a key as it is not sealed: what is there is the store's word alone`,
      { hint: "Where it never was sealed, leave the key out, or take what is stored: --raw" },
    );
  }
  if (!keyFor) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot take ${formatObjectName(name)} as it is sealed with the key ${envelope.keyId}`,
      { hint: "Give the key: --decrypt KEYFILE, or --raw for what is stored" },
    );
  }
  const master = await keyFor(envelope);
  return { dataKey: openDataKey(envelope, master, isAnyName ? undefined : name), master };
}

function asideOf(
  { door }: ObjectsClient,
  { bucket, key }: ObjectName,
  { etag, sizeBytes, versionId }: ObjectHead,
  file: string,
): string {
  const about = JSON.stringify([door.endpoint, bucket, key, etag, sizeBytes, versionId ?? ""]);
  const digest = createHash("sha256").update(about).digest("hex").slice(0, 16);
  return join(dirname(file), `.${basename(file)}.${digest}.part`);
}
