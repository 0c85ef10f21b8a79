/**
 * A file of the trail is a row of frames, each a block of lines (NDJSON) compressed by itself, and before each one
 * a skippable frame of Zstandard (RFC 8878, 3.1.2) that says how long it is and of which time. So a reader goes from frame to frame without
 * decompressing any, a file that was torn by a crash ends where its last whole frame does, and `zstdcat FILE` prints it all.
 */
export interface Frame {
  /** Where its compressed bytes are. */
  offset: number;
  length: number;
  firstMs: number;
  lastMs: number;
}

const skippableMagic = 0x184d2a5e;
const payloadBytes = 24;
export const headerBytes = 8 + payloadBytes;

/** What stands before a block of `length` compressed bytes. */
export function frameHeader({ length, firstMs, lastMs }: Omit<Frame, "offset">): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(skippableMagic, 0);
  header.writeUInt32LE(payloadBytes, 4);
  header.writeDoubleLE(firstMs, 8);
  header.writeDoubleLE(lastMs, 16);
  header.writeUInt32LE(length, 24);
  header.writeUInt32LE(checkOf(header), 28);
  return header;
}

/** The frame whose header is `bytes`, which stood at `at`; undefined when that is no header. */
export function frameAt(bytes: Uint8Array, at: number): Frame | undefined {
  if (bytes.length < headerBytes) return undefined;
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, headerBytes);
  if (header.readUInt32LE(0) !== skippableMagic || header.readUInt32LE(4) !== payloadBytes)
    return undefined;
  if (header.readUInt32LE(28) !== checkOf(header)) return undefined;
  return {
    offset: at + headerBytes,
    length: header.readUInt32LE(24),
    firstMs: header.readDoubleLE(8),
    lastMs: header.readDoubleLE(16),
  };
}

/** FNV-1a of what the header says: bytes of a torn write are not taken for one. */
function checkOf(header: Buffer): number {
  let hash = 0x811c9dc5;
  for (let at = 8; at < 28; at++) hash = Math.imul(hash ^ header[at]!, 0x01000193) >>> 0;
  return hash;
}
