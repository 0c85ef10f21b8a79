import { crc32 } from "node:zlib";

/**
 * A record of a pack: header, metadata in JSON, payload. Each of the three has a CRC-32 in the header, so that metadata
 * can be read, and packs be walked, without their payloads.
 *
 * 0 magic · 4 bytes of metadata · 8 bytes of payload · 12 CRC of the payload · 16 number of the batch (48 bits) ·
 * 22 place in the batch · 24 CRC of the metadata · 28 CRC of the header up to here; little-endian.
 *
 * A batch is written when the one before is on disk. So what cannot be read is a batch that was never finished only
 * where nothing of a later one follows, and is damage everywhere else.
 */
export const headerBytes = 32;
const magic = 0x31_6b_50_43; // "CPk1"

/**
 * Something that is no longer: a version, a part of an upload, or an upload (with its parts, when it was given up).
 * `packs` are where it was: as long as one of them is there, an index made anew must be told.
 */
export type Kill = KilledVersion | KilledPart | KilledUpload;

interface Killed {
  bucket: string;
  packs: number[];
}

export interface KilledVersion extends Killed {
  version: number;
  key: string;
  /** The upload whose parts go too. */
  owner?: number;
}

export interface KilledPart extends Killed {
  part: number;
  owner: number;
  id: number;
}

export interface KilledUpload extends Killed {
  upload: number;
  key: string;
  isAborted?: true;
}

/** How payload or file differ from the bytes that came. */
export interface Coding {
  /** Chunks are zstd frames, each where that made it smaller. */
  isPacked?: true;
  /** Encrypted; base64 of what the key of this piece is made with. */
  salt?: string;
}

/** One run of bytes: in the payload of its record, or in a file whose chunks the payload lists. */
export interface PieceFacts extends Coding {
  /** Of the bytes that came. */
  size: number;
  /** Number of the file, where it has one. */
  file?: number;
}

/** What happened, in the order in which it did. `body` is what is told of it, as JSON. */
export type LogRecord =
  | {
      op: "put";
      bucket: string;
      key: string;
      id: number;
      body: string;
      piece: PieceFacts;
      kills?: Kill[];
    }
  /** An object made of the parts of upload `owner`, or a delete marker (without). */
  | {
      op: "name";
      bucket: string;
      key: string;
      id: number;
      body: string;
      size: number;
      owner?: number;
      isMarker?: true;
      kills?: Kill[];
    }
  /**
   * What is known of a version, and its bytes if it has any of its own, are here now. An index that does not know it is being
   * made anew, of packs that no longer have the first record.
   */
  | {
      op: "move";
      bucket: string;
      key: string;
      id: number;
      body: string;
      piece: PieceFacts;
      owner?: number;
      isMarker?: true;
    }
  | { op: "kill"; kills: Kill[] }
  | { op: "mark"; bucket: string; key: string; id: number; body: string }
  | { op: "begin"; bucket: string; key: string; id: number; body: string }
  /** Both may also say where it is now. */
  | {
      op: "part";
      bucket: string;
      key: string;
      owner: number;
      number: number;
      id: number;
      body: string;
      piece: PieceFacts;
      kills?: Kill[];
    }
  | { op: "forget"; bucket: string };

/** Where a record is, and its payload. */
export interface Spot {
  pack: number;
  /** Of the payload. */
  at: number;
  length: number;
  crc: number;
  /** Of the whole record. */
  span: number;
}

/** Header and metadata; the payload follows it. */
export function encodeHead(
  record: LogRecord,
  payload: Uint8Array | undefined,
  batch: { number: number; place: number },
): { head: Buffer; payloadCrc: number } {
  const text = JSON.stringify(record);
  const metaBytes = Buffer.byteLength(text);
  const head = Buffer.allocUnsafe(headerBytes + metaBytes);
  head.write(text, headerBytes, "utf8");
  const payloadCrc = payload ? crc32(payload) : 0;
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(metaBytes, 4);
  head.writeUInt32LE(payload?.byteLength ?? 0, 8);
  head.writeUInt32LE(payloadCrc, 12);
  head.writeUIntLE(batch.number, 16, 6);
  head.writeUInt16LE(batch.place, 22);
  head.writeUInt32LE(crc32(head.subarray(headerBytes)), 24);
  head.writeUInt32LE(crc32(head.subarray(0, 28)), 28);
  return { head, payloadCrc };
}

export interface Header {
  metaBytes: number;
  payloadBytes: number;
  payloadCrc: number;
  batch: number;
  place: number;
  metaCrc: number;
}

/** Undefined where there is no header of a record. */
export function decodeHeader(bytes: Buffer): Header | undefined {
  if (bytes.byteLength < headerBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  if (crc32(bytes.subarray(0, 28)) !== bytes.readUInt32LE(28)) return undefined;
  return {
    metaBytes: bytes.readUInt32LE(4),
    payloadBytes: bytes.readUInt32LE(8),
    payloadCrc: bytes.readUInt32LE(12),
    batch: bytes.readUIntLE(16, 6),
    place: bytes.readUInt16LE(22),
    metaCrc: bytes.readUInt32LE(24),
  };
}

/** The next place at or after `from` where a header begins; -1 for none. */
export function nextHeader(bytes: Buffer, from: number): number {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(magic);
  for (let at = bytes.indexOf(wanted, from); at >= 0; at = bytes.indexOf(wanted, at + 1))
    if (decodeHeader(bytes.subarray(at))) return at;
  return -1;
}
