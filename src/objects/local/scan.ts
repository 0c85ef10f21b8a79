import { crc32 } from "node:zlib";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { limits } from "#/base/limits.ts";
import { decodeHeader, headerBytes, nextHeader, type LogRecord, type Spot } from "./record.ts";

export interface Scanned {
  record: LogRecord;
  spot: Spot;
  batch: number;
  /** The place of the record in its batch. */
  place: number;
  /** Where the next record begins. */
  end: number;
}

/** A stretch of a pack in which no record can be read. */
export interface Gap {
  from: number;
  to: number;
}

/**
 * Reads the records of a pack from `from` on; payloads only with `isThorough`. What cannot be read between records is
 * given as a gap, and so is what is left at the end: whether that is damage, or a batch that was never finished, tells
 * who knows what follows.
 */
export function* scanPack(
  path: string,
  pack: number,
  from: number,
  { isThorough }: { isThorough: boolean },
): Generator<Scanned | Gap> {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const window = new Window(file, size);
    let at = from;
    while (at < size) {
      const found = readRecord(window, pack, at, isThorough);
      if (found) {
        yield found;
        at = found.end;
        continue;
      }
      const next = window.nextHeader(at + 1);
      yield { from: at, to: next };
      at = next;
    }
  } finally {
    closeSync(file);
  }
}

function readRecord(
  window: Window,
  pack: number,
  begin: number,
  isThorough: boolean,
): Scanned | undefined {
  const header = decodeHeader(window.bytes(begin, headerBytes));
  if (!header) return undefined;
  const { metaBytes, payloadBytes, payloadCrc, batch, place } = header;
  const at = begin + headerBytes + metaBytes;
  const end = at + payloadBytes;
  if (end > window.size) return undefined;
  const meta = window.bytes(begin + headerBytes, metaBytes);
  if (meta.byteLength < metaBytes || crc32(meta) !== header.metaCrc) return undefined;
  const record = JSON.parse(meta.toString("utf8")) as LogRecord;
  if (isThorough && payloadBytes > 0) {
    if (crc32(window.bytes(at, payloadBytes)) !== payloadCrc) return undefined;
  }
  const spot = { pack, at, length: payloadBytes, crc: payloadCrc, span: end - begin };
  return { record, spot, batch, place, end };
}

/** Reads a file in large steps. */
class Window {
  readonly size: number;
  #file: number;
  #buffer = Buffer.allocUnsafeSlow(limits.packScanBytes);
  #from = 0;
  #length = 0;

  constructor(file: number, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Up to `length` bytes: less at the end. Good until the next call. */
  bytes(at: number, length: number): Buffer {
    if (at < this.#from || at + length > this.#from + this.#length) {
      if (length > this.#buffer.byteLength) this.#buffer = Buffer.allocUnsafeSlow(length);
      this.#from = at;
      this.#length = readSync(this.#file, this.#buffer, 0, this.#buffer.byteLength, at);
    }
    const begin = at - this.#from;
    return this.#buffer.subarray(begin, Math.min(begin + length, this.#length));
  }

  /** Where the next header is; the end of the file for none. */
  nextHeader(from: number): number {
    const step = limits.packScanBytes;
    for (let at = from; at < this.size; at += step - headerBytes) {
      const found = nextHeader(this.bytes(at, step), 0);
      if (found >= 0) return at + found;
    }
    return this.size;
  }
}
