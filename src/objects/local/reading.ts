import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { Missing, type BigBytes, type BigReader } from "../big-bytes.ts";
import { decodeChunk, decodeEntry, pieceKey, type ChunkEntry } from "./chunks.ts";
import type { Packs } from "./packs.ts";
import type { PieceRow } from "./rows.ts";

/** What is on disk is not what was written there. */
class Damage extends Error {}

export interface ByteRange {
  start: number;
  /** Exclusive. */
  end: number;
}

/** Reads pieces, checked against what the record kept of them. Throws `Damage`, never gives wrong bytes. */
export class PieceReader {
  #packs: Packs;
  #big: BigBytes;

  constructor(parts: { packs: Packs; big: BigBytes }) {
    this.#packs = parts.packs;
    this.#big = parts.big;
  }

  /** The bytes of a piece that has no file. */
  small(row: PieceRow, key: Uint8Array | undefined): Uint8Array | Promise<Uint8Array> {
    const payload = this.payload(row);
    return payload instanceof Promise
      ? payload.then((bytes) => openSmall(row, bytes, key))
      : openSmall(row, payload, key);
  }

  /** The payload of its record, as it is on disk. */
  payload({ pack, at, length, crc }: PieceRow): Buffer | Promise<Buffer> {
    const bytes = this.#packs.read(pack, at, length);
    return bytes instanceof Promise
      ? bytes.then((got) => checked(got, length, crc))
      : checked(bytes, length, crc);
  }

  /** Reads all of a piece as it is on disk, whatever it is encrypted with; gives the bytes that went by. Throws `Damage`. */
  async *verify(row: PieceRow): AsyncGenerator<number> {
    const list = await this.payload(row);
    yield list.byteLength;
    if (row.file === 0) return;
    const file = await this.#big.open(row.file);
    try {
      const count = Math.ceil(row.size / limits.objectChunkBytes);
      for (let index = 0, at = 0; index < count;) {
        const step = await readStep(file, list, index, count, at);
        requireWhole(step, index);
        index += step.entries.length;
        at += step.bytes.byteLength;
        yield step.bytes.byteLength;
      }
    } finally {
      await file.close();
    }
  }

  /** A range of a piece in steps of some chunks; with `lent`, each is only lent until the next is asked for. */
  async *range(
    row: PieceRow,
    { start, end }: ByteRange,
    key: Uint8Array | undefined,
    lent?: LentMemory,
  ) {
    if (start >= end) return;
    if (row.file === 0) {
      const bytes = await this.small(row, key);
      yield bytes.subarray(start, end);
      return;
    }
    const list = await this.payload(row);
    const keyOfPiece = key && row.salt !== null ? pieceKey(key, row.salt) : undefined;
    const file = await this.#big.open(row.file);
    let ahead: Promise<Step> | undefined;
    try {
      const chunkBytes = limits.objectChunkBytes;
      const first = Math.floor(start / chunkBytes);
      const last = Math.ceil(end / chunkBytes);
      let at = 0;
      for (let index = 0; index < first; index++) at += decodeEntry(list, index).length;
      for (let index = first; index < last;) {
        const step = await (ahead ?? readStep(file, list, index, last, at, lent?.next()));
        index += step.entries.length;
        at += step.bytes.byteLength;
        ahead = index < last ? readStep(file, list, index, last, at, lent?.next()) : undefined;
        ahead?.catch(() => undefined); // seen where it is awaited
        const from = (index - step.entries.length) * chunkBytes;
        const plain = openStep(step, index - step.entries.length, keyOfPiece);
        for (const [bytes, offset] of plain) {
          const begin = Math.max(0, start - from - offset);
          const until = Math.min(bytes.byteLength, end - from - offset);
          if (begin < until)
            yield begin === 0 && until === bytes.byteLength ? bytes : bytes.subarray(begin, until);
        }
      }
    } finally {
      await ahead?.catch(() => undefined);
      await file.close();
    }
  }
}

/** Two blocks that one reader uses in turns: one is being read by others while the next is filled. */
export class LentMemory {
  #blocks: [Buffer, Buffer];
  #turn = 0;

  constructor() {
    // A step is a block, and may be a chunk longer where chunks are shorter than they were.
    const length = limits.objectBlockBytes + limits.objectChunkBytes;
    this.#blocks = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)];
  }

  next(): Buffer {
    this.#turn = 1 - this.#turn;
    return this.#blocks[this.#turn]!;
  }
}

interface Step {
  bytes: Buffer;
  entries: ChunkEntry[];
}

async function readStep(
  file: BigReader,
  list: Buffer,
  index: number,
  last: number,
  at: number,
  into?: Buffer,
): Promise<Step> {
  const entries: ChunkEntry[] = [];
  let length = 0;
  for (; index < last && length < limits.objectBlockBytes; index++) {
    const entry = decodeEntry(list, index);
    entries.push(entry);
    length += entry.length;
  }
  const bytes = await file.read(at, length, into);
  if (bytes.byteLength < length) throw new Damage("its file is shorter than it was");
  return { bytes, entries };
}

/** What is wrong with what is on disk; undefined for an error of another kind. */
export function faultOf(thrown: unknown): string | undefined {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === "ENOENT") return "its pack is gone";
  const isDamage = thrown instanceof Damage || thrown instanceof Missing || code === "EIO";
  return isDamage ? messageOf(thrown) : undefined;
}

/** Throws where a chunk is not what was written. */
function requireWhole({ bytes, entries }: Step, first: number): void {
  let at = 0;
  for (const [index, { length, crc }] of entries.entries()) {
    const chunk = bytes.subarray(at, at + length);
    if (crc32(chunk) !== crc) throw new Damage(`chunk ${first + index} of it is damaged`);
    at += length;
  }
}

/** The plain bytes of a step, with where they begin in it; in one where nothing is to be opened. */
function openStep(step: Step, first: number, key: Uint8Array | undefined): [Uint8Array, number][] {
  requireWhole(step, first);
  const { bytes, entries } = step;
  if (key === undefined && !entries.some(({ isPacked }) => isPacked)) return [[bytes, 0]];
  let at = 0;
  return entries.map((entry, index) => {
    const chunk = bytes.subarray(at, at + entry.length);
    at += entry.length;
    return [decodeChunk(chunk, first + index, entry, key), index * limits.objectChunkBytes];
  });
}

function openSmall(row: PieceRow, bytes: Buffer, key: Uint8Array | undefined): Uint8Array {
  if (row.salt === null && row.isPacked === 0) return bytes;
  if (bytes.byteLength === 0) return bytes;
  const keyOfPiece = key && row.salt !== null ? pieceKey(key, row.salt) : undefined;
  return decodeChunk(bytes, 0, { isPacked: row.isPacked === 1 }, keyOfPiece);
}

function checked(bytes: Buffer, length: number, crc: number): Buffer {
  if (bytes.byteLength < length) throw new Damage("its pack is shorter than it was");
  if (crc32(bytes) !== crc) throw new Damage("its bytes are not those that were written");
  return bytes;
}

/** A stream of what a generator yields; ended early, it ends the generator too. */
export function streamOf(pieces: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(pieces, { objectMode: false, highWaterMark: limits.objectBlockBytes });
}
