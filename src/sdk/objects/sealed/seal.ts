import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import { cut } from "../pieces.ts";
import { formatObjectName, type ObjectName } from "../place.ts";
import { openSmall, sealSmall, type MadeOf, type MasterKey } from "./keys.ts";

/**
 * An object sealed before it leaves this computer. AES-256-GCM over the whole would let nothing be read before all of it came,
 * nor a part of it; so it is sealed in chunks, each with a tag of its own. Chunks alone could be left out, changed about, or
 * taken from another object: so a chunk's nonce is its number under a prefix of the object's own, its key is the object's own,
 * and the last chunk has a mark in its nonce that no other has (the construction STREAM, https://eprint.iacr.org/2015/189). That
 * last one holds the size of the whole and the SHA-256 of what was sealed. Where a part is read, the last chunk is opened first:
 * then the size is known to be right, and with it where each chunk must be. A whole object could still be put in another's place:
 * so its name is sealed with its data key, and a copy under another name has its data key sealed anew (its bytes stay).
 */
export interface Envelope {
  version: 1;
  /** The master key that opens the data key. */
  keyId: string;
  /** How it was made of a passphrase, if it was. */
  made?: MadeOf;
  /** The data key and the prefix of nonces, sealed. */
  sealed: string;
  chunkBytes: number;
  /** SHA-256 of the name that it was sealed under. */
  name: string;
}

/** The metadata's name that an envelope goes under. */
export const envelopeName = "canopy-sealed";

const chunkBytes = 64 * 1024;
const tagBytes = 16;
const lastBytes = 8 + 32;
const prefixBytes = 7;

/** What one object is sealed with. */
export interface DataKey {
  envelope: Envelope;
  key: Uint8Array;
  prefix: Uint8Array;
}

export function newDataKey(
  master: MasterKey,
  random: Pick<Random, "bytes">,
  name: ObjectName,
): DataKey {
  return sealedKey(random.bytes(32 + prefixBytes), master, random, { chunkBytes, name });
}

/** The same data key for the same bytes under another name. */
export function renamed(
  { envelope, key, prefix }: DataKey,
  master: MasterKey,
  random: Pick<Random, "bytes">,
  name: ObjectName,
): DataKey {
  const secret = Buffer.concat([key, prefix]);
  return sealedKey(secret, master, random, { chunkBytes: envelope.chunkBytes, name });
}

function sealedKey(
  secret: Uint8Array,
  master: MasterKey,
  random: Pick<Random, "bytes">,
  of: { chunkBytes: number; name: ObjectName },
): DataKey {
  const about = {
    version: 1,
    keyId: master.id,
    ...(master.made && { made: master.made }),
    chunkBytes: of.chunkBytes,
    name: nameDigest(of.name),
  } as const;
  const sealed = sealSmall(secret, master.bytes, JSON.stringify(about), random);
  return dataKeyOf({ ...about, sealed }, secret);
}

function nameDigest(name: ObjectName): string {
  return createHash("sha256").update(formatObjectName(name)).digest("base64url");
}

/**
 * The data key of the object of that name, or, without one, whatever it was sealed as. Throws CanopyError "unauthenticated" for
 * another master key, "damaged" for an envelope that was changed or belongs to another name.
 */
export function openDataKey(envelope: Envelope, master: MasterKey, name?: ObjectName): DataKey {
  if (envelope.keyId !== master.id) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot open this object as it was sealed with the key ${envelope.keyId}: given is ${master.id}`,
    );
  }
  const { version, keyId, made, sealed } = envelope;
  const about = {
    version,
    keyId,
    ...(made && { made }),
    chunkBytes: envelope.chunkBytes,
    name: envelope.name,
  };
  const secret = openSmall(sealed, master.bytes, JSON.stringify(about));
  if (!secret) throw damaged("its envelope was changed");
  if (name && envelope.name !== nameDigest(name)) {
    throw new CanopyError(
      "damaged",
      `Cannot open ${formatObjectName(name)} as it was sealed under another name, and put here without its key`,
      { hint: "Where that was meant, open it whatever its name was: --any-name" },
    );
  }
  return dataKeyOf(envelope, secret);
}

function dataKeyOf(envelope: Envelope, secret: Uint8Array): DataKey {
  return { envelope, key: secret.subarray(0, 32), prefix: secret.subarray(32) };
}

export function formatEnvelope(envelope: Envelope): string {
  return Buffer.from(JSON.stringify(envelope)).toString("base64url");
}

/** The envelope of an object's metadata; undefined when the object is not sealed. Throws CanopyError "damaged". */
export function envelopeOf(metadata: Readonly<Record<string, string>>): Envelope | undefined {
  const text = metadata[envelopeName];
  if (text === undefined) return undefined;
  try {
    const envelope = JSON.parse(Buffer.from(text, "base64url").toString()) as Envelope;
    if (envelope.version === 1 && envelope.chunkBytes > 0) return envelope;
  } catch {
    // said below
  }
  throw damaged("its envelope cannot be read");
}

/** Bytes of what is sealed, of so many that are to be. */
export function sealedSize(plainBytes: number): number {
  return plainBytes + Math.ceil(plainBytes / chunkBytes) * tagBytes + lastBytes + tagBytes;
}

/** Seals bytes as they come. */
export async function* seal(
  source: AsyncIterable<Uint8Array>,
  dataKey: DataKey,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let [sizeBytes, number] = [0, 0];
  for await (const chunk of cut(source, () => chunkBytes)) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
    yield sealChunk(chunk, dataKey, number++, false);
  }
  const last = Buffer.alloc(lastBytes);
  last.writeBigUInt64BE(BigInt(sizeBytes));
  hash.digest().copy(last, 8);
  yield sealChunk(last, dataKey, number, true);
}

/** Where the chunks of a sealed object of that size are. Throws CanopyError "damaged" for a size that none has. */
export function shapeOf({ envelope }: DataKey, sealedBytes: number): Shape {
  const fullBytes = envelope.chunkBytes + tagBytes;
  const bodyBytes = sealedBytes - lastBytes - tagBytes;
  const chunks = Math.ceil(bodyBytes / fullBytes);
  const plainBytes = bodyBytes - chunks * tagBytes;
  if (bodyBytes < 0 || (chunks > 0 && plainBytes <= (chunks - 1) * envelope.chunkBytes))
    throw damaged("its size is none that a sealed object has");
  return { chunks, plainBytes, chunkBytes: envelope.chunkBytes, fullBytes, bodyBytes };
}

export interface Shape {
  /** The last one, which holds the digest, not counted. */
  chunks: number;
  plainBytes: number;
  chunkBytes: number;
  /** A chunk with its tag. */
  fullBytes: number;
  /** All chunks but the last one. */
  bodyBytes: number;
}

/**
 * Opens a sealed object of that size as it comes. Throws CanopyError "damaged" when anything of it is not as it was sealed: what
 * was given until then is right, and not all.
 */
export async function* open(
  source: AsyncIterable<Uint8Array>,
  dataKey: DataKey,
  sealedBytes: number,
): AsyncGenerator<Buffer> {
  const shape = shapeOf(dataKey, sealedBytes);
  const hash = createHash("sha256");
  let number = 0;
  for await (const piece of cut(source, (at) => pieceBytes(shape, at))) {
    if (number < shape.chunks) {
      const chunk = openChunk(piece, dataKey, number, false);
      hash.update(chunk);
      yield chunk;
    } else if (number > shape.chunks) throw damaged("it goes on after its end");
    else if (!openLast(piece, dataKey, shape).equals(hash.digest()))
      throw damaged("its digest is another");
    number++;
  }
  if (number !== shape.chunks + 1) throw damaged("its end is missing");
}

/** Opens chunks that follow each other, the first of them being number `first`. */
export async function* openChunks(
  source: AsyncIterable<Uint8Array>,
  dataKey: DataKey,
  shape: Shape,
  first: number,
): AsyncGenerator<Buffer> {
  let number = first;
  for await (const piece of cut(source, (at) => pieceBytes(shape, first + at)))
    yield openChunk(piece, dataKey, number++, false);
}

/** Opens the last chunk, which says that the object ends there; gives the SHA-256 of what was sealed. */
export function openLast(piece: Uint8Array, dataKey: DataKey, shape: Shape): Buffer {
  const last = openChunk(piece, dataKey, shape.chunks, true);
  if (last.length === lastBytes && last.readBigUInt64BE() === BigInt(shape.plainBytes))
    return last.subarray(8);
  throw damaged("its size is another");
}

function pieceBytes({ chunks, fullBytes, bodyBytes }: Shape, number: number): number {
  if (number < chunks) return Math.min(fullBytes, bodyBytes - number * fullBytes);
  return lastBytes + tagBytes;
}

function sealChunk(
  chunk: Uint8Array,
  { key, prefix }: DataKey,
  number: number,
  isLast: boolean,
): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(prefix, number, isLast));
  return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
}

function openChunk(
  piece: Uint8Array,
  { key, prefix }: DataKey,
  number: number,
  isLast: boolean,
): Buffer {
  const nonce = nonceOf(prefix, number, isLast);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(piece.subarray(-tagBytes));
    return Buffer.concat([decipher.update(piece.subarray(0, -tagBytes)), decipher.final()]);
  } catch {
    throw damaged(`its chunk ${number} was changed, moved, or comes from elsewhere`);
  }
}

function nonceOf(prefix: Uint8Array, number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.set(prefix);
  nonce.writeUInt32BE(number, prefixBytes);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function damaged(why: string): CanopyError {
  return new CanopyError("damaged", `Cannot open this sealed object as ${why}`);
}
