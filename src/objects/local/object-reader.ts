import type { Readable } from "node:stream";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { ObjectPlace } from "../object-store.ts";
import type { ObjectVersion } from "../object-version.ts";
import { Missing } from "../big-bytes.ts";
import { damagedObject, noSuchKey, replacedMeanwhile } from "./errors.ts";
import type { Lookup } from "./lookup.ts";
import { faultOf, LentMemory, streamOf, type ByteRange, type PieceReader } from "./reading.ts";
import type { Readers } from "./readers.ts";
import type { PieceRow, VersionRow } from "./rows.ts";

/** Memory that readers had and others may have. */
class Lending {
  #free: LentMemory[] = [];

  take(): LentMemory {
    return this.#free.pop() ?? new LentMemory();
  }

  give(lent: LentMemory): void {
    if (this.#free.length < limits.objectBlocksKept) this.#free.push(lent);
  }
}

/**
 * Reads versions. Where the bytes were moved or removed since the version was found, it looks again; what was begun is read to its end,
 * whatever becomes of the version meanwhile.
 */
export class ObjectReader {
  #lookup: Lookup;
  #pieces: PieceReader;
  #readers: Readers;
  #report: Log;
  #lending = new Lending();

  constructor(parts: { lookup: Lookup; pieces: PieceReader; readers: Readers; report: Log }) {
    this.#lookup = parts.lookup;
    this.#pieces = parts.pieces;
    this.#readers = parts.readers;
    this.#report = parts.report;
  }

  async read(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: ByteRange; key?: Uint8Array },
  ): Promise<Uint8Array | Readable> {
    const found = await this.#find(place, version, asked, undefined);
    return found instanceof Uint8Array ? found : streamOf(found);
  }

  /** The same in memory that is used again. */
  lend(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: ByteRange; key?: Uint8Array },
  ): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    return this.#find(place, version, asked, this.#lending);
  }

  async #find(
    place: ObjectPlace,
    version: ObjectVersion,
    { range, key }: { range?: ByteRange; key?: Uint8Array },
    lending: Lending | undefined,
  ): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    const { versionId } = version;
    const row = this.#lookup.rowOf(version) ?? this.#lookup.named(place, versionId);
    if (!row) throw this.#isThere(place) ? replacedMeanwhile(place.key) : noSuchKey(place.key);
    try {
      const opened = this.#open(place, row, range, key, lending);
      return opened instanceof Promise ? await opened : opened;
    } catch (thrown) {
      const now = this.#lookup.named(place, versionId);
      if (!now && !this.#isThere(place)) throw noSuchKey(place.key);
      if (!now || now.id !== row.id) throw replacedMeanwhile(place.key);
      if (now.pack === row.pack && now.at === row.at) throw this.#damaged(place, row, thrown);
      return this.#open(place, now, range, key, lending);
    }
  }

  /** Whether the key has something to be read, whichever version that is. */
  #isThere(place: ObjectPlace): boolean {
    return this.#lookup.current(place) !== undefined;
  }

  #open(
    place: ObjectPlace,
    row: VersionRow,
    range: ByteRange | undefined,
    key: Uint8Array | undefined,
    lending: Lending | undefined,
  ): Uint8Array | Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    if (row.file !== 0 || row.owner !== 0) return this.#openPieces(place, row, range, key, lending);
    const part = (bytes: Uint8Array) => (range ? bytes.subarray(range.start, range.end) : bytes);
    const all = this.#pieces.small(row, key);
    return all instanceof Promise ? all.then(part) : part(all);
  }

  async #openPieces(
    place: ObjectPlace,
    row: VersionRow,
    range: ByteRange | undefined,
    key: Uint8Array | undefined,
    lending: Lending | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    const asked = this.#within(row, range ?? { start: 0, end: row.size });
    const letGo = this.#readers.hold(asked.map(({ piece }) => piece));
    const lent = lending?.take();
    const steps = this.#steps(asked, key, lent);
    // What is wrong with the beginning is told before anything is answered.
    const first = await steps.next().catch((thrown: unknown) => {
      letGo();
      throw thrown;
    });
    const told = (thrown: unknown) => this.#damaged(place, row, thrown);
    const close = async () => {
      await steps.return(undefined);
      letGo();
      if (lent) lending?.give(lent);
    };
    async function* all(): AsyncGenerator<Uint8Array> {
      try {
        if (!first.done) yield first.value;
        yield* steps;
      } catch (thrown) {
        throw told(thrown);
      } finally {
        await close();
      }
    }
    return closable(all(), close);
  }

  /** What a range has of the pieces of an object, as they are now. Throws `Missing` where they are not what the object was made of. */
  #within(row: VersionRow, range: ByteRange): { piece: PieceRow; range: ByteRange }[] {
    if (row.owner === 0) return [{ piece: row, range }];
    const within: { piece: PieceRow; range: ByteRange }[] = [];
    let begin = 0;
    for (const piece of this.#lookup.parts(row.owner, 0, Number.MAX_SAFE_INTEGER)) {
      const start = Math.max(0, range.start - begin);
      const end = Math.min(piece.size, range.end - begin);
      begin += piece.size;
      if (start < end) within.push({ piece, range: { start, end } });
    }
    if (begin !== row.size) throw new Missing("a part of it is gone");
    return within;
  }

  /** The bytes of an object, from one part to the next. */
  async *#steps(
    asked: readonly { piece: PieceRow; range: ByteRange }[],
    key: Uint8Array | undefined,
    lent: LentMemory | undefined,
  ): AsyncGenerator<Uint8Array> {
    for (const { piece, range } of asked) yield* this.#pieces.range(piece, range, key, lent);
  }

  #damaged({ bucket, key }: ObjectPlace, row: VersionRow, thrown: unknown): Error {
    const why = faultOf(thrown);
    if (why === undefined) return thrown as Error;
    this.#report.error("an object is damaged", { bucket, key, id: row.id, pack: row.pack, why });
    return damagedObject(key, why);
  }
}

/** A generator that was never begun runs no `finally`: given up before that, it is closed here. */
function closable(
  pieces: AsyncGenerator<Uint8Array>,
  close: () => Promise<void>,
): AsyncIterableIterator<Uint8Array> {
  let isBegun = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      isBegun = true;
      return pieces.next();
    },
    async return() {
      if (!isBegun) await close();
      isBegun = true;
      return pieces.return(undefined);
    },
  };
}
