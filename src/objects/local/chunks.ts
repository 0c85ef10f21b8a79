import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { limits } from "#/base/limits.ts";

/**
 * How bytes are kept: in chunks of equal length, each compressed or not, each encrypted or not, and beside them, in the
 * record, the length and the CRC-32 of each as it is on disk. So any range is read, checked and opened without the rest.
 *
 * Encryption is AES-256-GCM with a key of the piece's own, made of the object's key and a salt (HMAC-SHA-256): the
 * number of the chunk can then be the nonce, and chunks that change places are seen.
 */
export interface ChunkEntry {
  /** On disk. */
  length: number;
  crc: number;
  isPacked: boolean;
}

export interface ChunkCoding {
  /** Try to compress. */
  packs: boolean;
  /** Key of this piece. */
  key?: Uint8Array | undefined;
}

const tagBytes = 16;
const packedBit = 0x80_00_00_00;
const entryBytes = 8;

/** The key of one piece. */
export function pieceKey(key: Uint8Array, salt: string): Uint8Array {
  return createHmac("sha256", key).update("canopy object piece\0").update(salt).digest();
}

export function encodeChunk(
  plain: Uint8Array,
  number: number,
  { packs, key }: ChunkCoding,
): { bytes: Uint8Array; entry: ChunkEntry } {
  let bytes = plain;
  let isPacked = false;
  if (packs) {
    const packed = zstdCompressSync(plain);
    isPacked = packed.byteLength < plain.byteLength * limits.packedShareMax;
    if (isPacked) bytes = packed;
  }
  if (key) {
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(number));
    cipher.setAAD(Buffer.from(isPacked ? "1" : "0"));
    bytes = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }
  return { bytes, entry: { length: bytes.byteLength, crc: crc32(bytes), isPacked } };
}

/** Throws where the key is another, or what is on disk was changed. */
export function decodeChunk(
  bytes: Uint8Array,
  number: number,
  { isPacked }: Pick<ChunkEntry, "isPacked">,
  key: Uint8Array | undefined,
): Uint8Array {
  let plain = bytes;
  if (key) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(number));
    decipher.setAAD(Buffer.from(isPacked ? "1" : "0"));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    plain = Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]);
  }
  return isPacked ? zstdDecompressSync(plain, { maxOutputLength: limits.objectChunkBytes }) : plain;
}

function nonceOf(number: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number, 8);
  return nonce;
}

/** The list of chunks, as the record of a large object carries it. */
export function encodeEntries(entries: readonly ChunkEntry[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.length * entryBytes);
  for (const [index, { length, crc, isPacked }] of entries.entries()) {
    bytes.writeUInt32LE(crc, index * entryBytes);
    bytes.writeUInt32LE((length | (isPacked ? packedBit : 0)) >>> 0, index * entryBytes + 4);
  }
  return bytes;
}

export function decodeEntry(bytes: Buffer, index: number): ChunkEntry {
  const length = bytes.readUInt32LE(index * entryBytes + 4);
  return {
    crc: bytes.readUInt32LE(index * entryBytes),
    length: length & ~packedBit,
    isPacked: (length & packedBit) !== 0,
  };
}
