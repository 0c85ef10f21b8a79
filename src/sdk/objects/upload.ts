import { createHash } from "node:crypto";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { World } from "../world.ts";
import type { ListedPart } from "./answers.ts";
import { Crc32, crc32Of } from "./checksums.ts";
import { ahead, cut } from "./pieces.ts";
import type { ObjectName } from "./place.ts";
import type { MasterKey } from "./sealed/keys.ts";
import {
  envelopeName,
  formatEnvelope,
  newDataKey,
  openDataKey,
  seal,
  sealedSize,
  type DataKey,
  type Envelope,
} from "./sealed/seal.ts";
import type { ObjectsClient } from "./store.ts";

/** What is to be an object. */
export interface UploadSource {
  /** Absent for what comes from a pipe. */
  sizeBytes?: number;
  read(): AsyncIterable<Uint8Array>;
  /**
   * What tells this content from every other, as a file's path, size and time: an upload of it that was cut off is gone on with.
   * Without it, there is no going on.
   */
  identity?: string;
}

export interface UploadOptions {
  /** Seals the object before it leaves. */
  master?: MasterKey;
  /** Headers of the object: content-type, x-amz-meta-… */
  headers?: Record<string, string>;
  partsAtOnce?: number;
  /** Told of bytes that arrived, or were there already. */
  onBytes?: (count: number) => void;
  signal?: AbortSignal;
}

export interface Uploaded {
  sizeBytes: number;
  parts: number;
  /** Parts that an upload before had brought. */
  partsReused: number;
}

/** An upload under way, in a file, so that another process can go on with it. */
interface Begun {
  uploadId: string;
  envelope?: Envelope;
}

type Places = Pick<World, "files" | "env" | "home" | "random">;

/**
 * Makes an object of a source: a small one at once, a large one in parts, several at a time. Each part goes with its CRC-32, and
 * the whole with that of the whole, which the store compares and keeps. Memory: as many parts as are under way, and two.
 */
export async function upload(
  client: ObjectsClient,
  world: Places,
  name: ObjectName,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { master, onBytes, signal } = options;
  const own = beginningOf(client, world, name, source, master);
  const begun = await own.read();
  const dataKey = master && dataKeyFor(master, begun, world, name);
  const sizeBytes =
    source.sizeBytes === undefined || !dataKey ? source.sizeBytes : sealedSize(source.sizeBytes);
  const headers = {
    ...options.headers,
    ...(dataKey && { [`x-amz-meta-${envelopeName}`]: formatEnvelope(dataKey.envelope) }),
  };
  const content = dataKey ? seal(source.read(), dataKey) : source.read();
  const parts = cut(content, (number) => partBytesOf(number, sizeBytes));
  const [first, second] = [await parts.next(), await parts.next()];
  if (second.done) {
    const body = first.done ? Buffer.alloc(0) : first.value;
    requireSame(body.length, sizeBytes);
    await client.put(name, body, { ...headers, "x-amz-checksum-crc32": crc32Of(body) }, signal);
    onBytes?.(body.length);
    return { sizeBytes: body.length, parts: 1, partsReused: 0 };
  }
  const all = (async function* () {
    yield* [first.value as Buffer, second.value];
    yield* parts;
  })();
  const sending = { client, name, headers, options, sizeBytes };
  return await sendParts(sending, all, own, begun, dataKey?.envelope);
}

async function sendParts(
  {
    client,
    name,
    headers,
    options,
    sizeBytes,
  }: {
    client: ObjectsClient;
    name: ObjectName;
    headers: Record<string, string>;
    options: UploadOptions;
    sizeBytes: number | undefined;
  },
  all: AsyncIterable<Buffer>,
  own: Beginning,
  begun: Begun | undefined,
  envelope: Envelope | undefined,
): Promise<Uploaded> {
  const { onBytes, signal, partsAtOnce = limits.objectPartsAtOnce } = options;
  const there = begun && (await client.parts(name, begun.uploadId));
  const uploadId = begun && there ? begun.uploadId : await client.beginUpload(name, headers);
  if (!there) await own.write({ uploadId, ...(envelope && { envelope }) });
  const known = new Map((there ?? []).map((part) => [part.number, part]));
  const whole = new Crc32();
  let [number, sentBytes, partsReused] = [0, 0, 0];
  const numbered = async function* () {
    for await (const body of all) {
      whole.update(body);
      sentBytes += body.length;
      yield { number: ++number, body };
    }
  };
  const send = async (part: { number: number; body: Buffer }) => {
    const crc32 = crc32Of(part.body);
    const before = known.get(part.number);
    const isThere = before !== undefined && isSame(before, part.body, crc32);
    if (isThere) partsReused++;
    const etag = isThere
      ? before.etag
      : await client.putPart(name, { ...part, uploadId, crc32 }, signal);
    onBytes?.(part.body.length);
    return { number: part.number, etag, crc32 };
  };
  try {
    const sent = await Array.fromAsync(ahead(numbered(), partsAtOnce, send));
    requireSame(sentBytes, sizeBytes);
    await client.completeUpload(name, uploadId, sent, whole.digest());
  } catch (thrown) {
    // What nobody can go on with is not left behind.
    if (!own.isKept) await client.abortUpload(name, uploadId).catch(() => {});
    throw thrown;
  }
  await own.remove();
  return { sizeBytes: sentBytes, parts: number, partsReused };
}

/** So that the parts of the largest file are not too many; what comes from a pipe gets larger ones the longer it is. */
function partBytesOf(number: number, sizeBytes: number | undefined): number {
  if (sizeBytes === undefined)
    return limits.objectPartBytes * 2 ** Math.floor(number / (limits.objectPartsMax / 10));
  const least = Math.ceil(sizeBytes / limits.objectPartsMax);
  return limits.objectPartBytes * Math.ceil(least / limits.objectPartBytes || 1);
}

function isSame(before: ListedPart, body: Buffer, crc32: string): boolean {
  if (before.sizeBytes !== body.length) return false;
  if (before.crc32 !== undefined) return before.crc32 === crc32;
  return before.etag === createHash("md5").update(body).digest("hex");
}

function requireSame(sentBytes: number, sizeBytes: number | undefined): void {
  if (sizeBytes === undefined || sentBytes === sizeBytes) return;
  throw new CanopyError(
    "conflict",
    `Cannot upload what changes meanwhile: ${sizeBytes} bytes were to be sent, and ${sentBytes} were read`,
  );
}

/** The same key as before where the upload goes on, as parts of both make one object. */
function dataKeyFor(
  master: MasterKey,
  begun: Begun | undefined,
  { random }: Pick<Places, "random">,
  name: ObjectName,
): DataKey {
  return begun?.envelope?.keyId === master.id
    ? openDataKey(begun.envelope, master, name)
    : newDataKey(master, random, name);
}

interface Beginning {
  /** Whether it outlives this process. */
  isKept: boolean;
  read(): Promise<Begun | undefined>;
  write(begun: Begun): Promise<void>;
  remove(): Promise<void>;
}

function beginningOf(
  client: ObjectsClient,
  { files, env, home }: Places,
  name: ObjectName,
  { identity }: UploadSource,
  master: MasterKey | undefined,
): Beginning {
  if (identity === undefined)
    return {
      isKept: false,
      read: async () => undefined,
      write: async () => {},
      remove: async () => {},
    };
  const about = [client.door.endpoint, name.bucket, name.key, identity, master?.id ?? ""];
  const digest = createHash("sha256").update(JSON.stringify(about)).digest("hex");
  const state = env["XDG_STATE_HOME"] || join(home, ".local", "state");
  const file = join(state, "canopy", "uploads", `${digest}.json`);
  return {
    isKept: true,
    async read() {
      const bytes = await files.read(file);
      try {
        return bytes && (JSON.parse(Buffer.from(bytes).toString()) as Begun);
      } catch {
        return undefined;
      }
    },
    write: (begun) => files.write(file, JSON.stringify(begun), { mode: 0o600 }),
    remove: () => files.remove(file),
  };
}
