import { limits } from "#/base/limits.ts";
import { collectYoungGarbage } from "#/base/node/young-garbage.ts";
import type { BigWriter } from "../big-bytes.ts";
import type { ChecksumAlgorithm } from "../object-version.ts";
import type { Blocks } from "./blocks.ts";
import { encodeChunk, type ChunkCoding, type ChunkEntry } from "./chunks.ts";
import { checksumOf, crc32Text, md5Of } from "./digests.ts";
import type { HashAlgorithm, Hashing, HashThreads } from "./hashing.ts";
import { JoinedCrc } from "./joined-crc.ts";

/** What was written, and the digests of what it was made of. */
export interface Written {
  entries: ChunkEntry[];
  sizeBytes: number;
  md5: string;
  checksum?: string;
  /** In base64. */
  sha256?: string;
}

/** What is hashed beside MD5. */
interface Hashed {
  algorithm: ChecksumAlgorithm | undefined;
  hasSha256: boolean;
}

/** Bytes that came in over all large objects since their garbage was last collected. */
let uncollectedBytes = 0;

/**
 * Writes a large object. Blocks are filled here; each full one is written and hashed on threads while the
 * next is filled, and no more of them are on their way at once than a few, so that a source that is faster waits.
 */
export class ChunkWriter {
  #parts: { bytes: BigWriter; blocks: Blocks; threads: HashThreads };
  #coding: ChunkCoding;
  #hashed: Hashed;
  /** Where the CRCs of the chunks give what is asked for: then it is not made on a thread. */
  #joined: JoinedCrc | undefined;
  #entries: ChunkEntry[] = [];
  #block: SharedArrayBuffer | undefined;
  #filled = 0;
  #sizeBytes = 0;
  #hashings: Hashing[] | undefined;
  /** Resolve, and never reject: what went wrong is in #failure. */
  #underWay = new Set<Promise<void>>();
  #failure: { thrown: unknown } | undefined;

  constructor(
    parts: { bytes: BigWriter; blocks: Blocks; threads: HashThreads },
    coding: ChunkCoding,
    hashed: Hashed,
  ) {
    this.#parts = parts;
    this.#coding = coding;
    this.#hashed = hashed;
    const isPlain = !coding.packs && !coding.key;
    if (isPlain && hashed.algorithm === "CRC32") {
      this.#joined = new JoinedCrc();
      this.#hashed = { ...hashed, algorithm: undefined };
    }
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#filled === limits.objectBlockBytes) await this.#flush(this.#threadHashings());
      while (this.#block === undefined) {
        this.#block = this.#parts.blocks.take(this.#underWay.size === 0);
        if (this.#block === undefined) await Promise.race(this.#underWay);
      }
      const count = Math.min(bytes.byteLength - at, limits.objectBlockBytes - this.#filled);
      new Uint8Array(this.#block).set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
    }
    this.#sizeBytes += bytes.byteLength;
  }

  async end(): Promise<Written> {
    const hashings = this.#hashings;
    const digests = hashings ? undefined : await this.#digestsOfOne();
    await this.#flush(hashings ?? []);
    await this.#settle();
    const [md5 = "", ...more] = digests ?? (await Promise.all(hashings!.map((one) => one.end())));
    const sha256 = this.#hashed.hasSha256 ? more.pop() : undefined;
    const checksum = this.#joined ? crc32Text(this.#joined.value) : more[0];
    return {
      entries: this.#entries,
      sizeBytes: this.#sizeBytes,
      md5,
      ...(checksum !== undefined && { checksum }),
      ...(sha256 !== undefined && { sha256 }),
    };
  }

  /** Where all of it fits one block: the way to a thread is not worth it. */
  async #digestsOfOne(): Promise<string[]> {
    const bytes = new Uint8Array(this.#block ?? new SharedArrayBuffer(0), 0, this.#filled);
    const digests: string[] = [];
    for (const one of this.#algorithms())
      digests.push(one === "MD5" ? md5Of(bytes) : await checksumOf(one, bytes));
    return digests;
  }

  /** Resolves when nothing of it is on its way any more. */
  async drop(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#block) this.#parts.blocks.give(this.#block);
    this.#block = undefined;
    for (const hashing of this.#hashings ?? []) hashing.drop();
  }

  #threadHashings(): Hashing[] {
    const { threads } = this.#parts;
    return (this.#hashings ??= this.#algorithms().map((one) => threads.start(one)));
  }

  /** MD5 first, SHA-256 of the content last. */
  #algorithms(): HashAlgorithm[] {
    const { algorithm, hasSha256 } = this.#hashed;
    return ["MD5", ...(algorithm ? [algorithm] : []), ...(hasSha256 ? (["SHA256"] as const) : [])];
  }

  async #flush(hashings: readonly Hashing[]): Promise<void> {
    while (this.#underWay.size >= limits.objectBlocksAhead) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.thrown;
    const block = this.#block;
    if (!block) return;
    const length = this.#filled;
    if ((uncollectedBytes += length) >= limits.objectGarbageBytes) {
      uncollectedBytes = 0;
      collectYoungGarbage();
    }
    const content = this.#encode(new Uint8Array(block, 0, length));
    this.#block = undefined;
    this.#filled = 0;
    const work = Promise.all([
      this.#parts.bytes.write(content),
      ...hashings.map((hashing) => hashing.add(block, length)),
    ]).then(
      () => this.#parts.blocks.give(block),
      (thrown: unknown) => {
        this.#failure ??= { thrown };
        this.#parts.blocks.give(new SharedArrayBuffer(limits.objectBlockBytes)); // the other may still be read
      },
    );
    const done = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure.thrown;
  }

  /** The chunks of a block as they are written; the block itself where they are written as they came. */
  #encode(block: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < block.byteLength; at += limits.objectChunkBytes) {
      const plain = block.subarray(at, at + limits.objectChunkBytes);
      const { bytes, entry } = encodeChunk(plain, this.#entries.length, this.#coding);
      pieces.push(bytes);
      this.#entries.push(entry);
      this.#joined?.add(entry.crc, plain.byteLength);
    }
    return this.#coding.key || this.#coding.packs ? pieces : [block];
  }
}
