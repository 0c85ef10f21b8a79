import { hash } from "node:crypto";
import { limits } from "#/base/limits.ts";
import { randomText, type Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { BigBytes } from "../big-bytes.ts";
import type { ObjectSource, PutOptions } from "../object-store.ts";
import type { Checksum } from "../object-version.ts";
import type { Blocks } from "./blocks.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { encodeChunk, encodeEntries, pieceKey, type ChunkCoding } from "./chunks.ts";
import { checksumOf, md5Of } from "./digests.ts";
import { badDigest, isFull, noSpace } from "./errors.ts";
import type { HashThreads } from "./hashing.ts";
import type { UnderWay } from "./leftovers.ts";
import type { PieceFacts } from "./record.ts";

export type IntakeOptions = Pick<
  PutOptions,
  "sizeBytes" | "checksum" | "contentMd5" | "contentSha256" | "encryption"
> & { isCold?: boolean };

/** Bytes that came whole and are what was promised: in memory, for a record, or in a file that is on disk. */
export interface Taken {
  piece: PieceFacts;
  payload: Uint8Array;
  etag: string;
  checksum?: Checksum;
}

interface IntakeParts {
  big: BigBytes;
  blocks: Blocks;
  threads: HashThreads;
  random: Pick<Random, "bytes">;
  underWay: UnderWay;
  newId: () => number;
}

/** Takes bytes in. Nothing refers to a file yet when it is given: `discard` it if nothing ever will. */
export class Intake {
  #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Throws "BadDigest" where the bytes are not what was promised, and what the source throws; then nothing is left. */
  async take(source: ObjectSource, options: IntakeOptions): Promise<Taken> {
    if (source instanceof Uint8Array) {
      if (source.byteLength <= limits.packedObjectBytesMax) return this.#takeSmall(source, options);
      return this.#takeLarge([source], undefined, options);
    }
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    const rest = source[Symbol.asyncIterator]();
    try {
      for (let next = await rest.next(); !next.done; next = await rest.next()) {
        pieces.push(next.value);
        sizeBytes += next.value.byteLength;
        if (sizeBytes > limits.packedObjectBytesMax)
          return await this.#takeLarge(pieces, rest, options);
      }
    } catch (thrown) {
      await rest.return?.().catch(() => undefined);
      throw thrown;
    }
    return this.#takeSmall(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), options);
  }

  async #takeSmall(bytes: Uint8Array, options: IntakeOptions): Promise<Taken> {
    requireSize(bytes.byteLength, options);
    const etag = md5Of(bytes);
    const algorithm = options.checksum?.algorithm;
    let checksum: string | undefined;
    if (algorithm) {
      const found = checksumOf(algorithm, bytes);
      checksum = typeof found === "string" ? found : await found;
    }
    requirePromised(etag, checksum, options);
    if (options.contentSha256) requireSha256(hash("sha256", bytes, "base64"), options);
    const { coding, facts } = this.#codingFor(options);
    const piece: PieceFacts = { size: bytes.byteLength, ...facts };
    let payload = bytes;
    if (bytes.byteLength > 0 && (coding.packs || coding.key)) {
      const encoded = encodeChunk(bytes, 0, coding);
      payload = encoded.bytes;
      if (encoded.entry.isPacked) piece.isPacked = true;
    }
    return { piece, payload, etag, ...checksumFact(algorithm, checksum) };
  }

  async #takeLarge(
    head: Uint8Array[],
    rest: AsyncIterator<Uint8Array> | undefined,
    options: IntakeOptions,
  ): Promise<Taken> {
    const number = this.#parts.newId();
    const { coding, facts } = this.#codingFor(options);
    const { big, blocks, threads } = this.#parts;
    const algorithm = options.checksum?.algorithm;
    this.#parts.underWay.add(number);
    const bytes = await big.create(number);
    const hasSha256 = options.contentSha256 !== undefined;
    const writer = new ChunkWriter({ bytes, blocks, threads }, coding, { algorithm, hasSha256 });
    try {
      for (const piece of head) await writer.add(piece);
      for (let next = await rest?.next(); next && !next.done; next = await rest!.next())
        await writer.add(next.value);
      const { entries, sizeBytes, md5, checksum, sha256 } = await writer.end();
      requireSize(sizeBytes, options);
      requireSha256(sha256, options);
      requirePromised(md5, checksum, options);
      await bytes.finish();
      return {
        piece: { size: sizeBytes, file: number, ...facts },
        payload: encodeEntries(entries),
        etag: md5,
        ...checksumFact(algorithm, checksum),
      };
    } catch (thrown) {
      await writer.drop();
      await bytes.drop().catch(() => undefined); // what is left is removed at the next start
      this.#parts.underWay.delete(number);
      throw isFull(thrown) ? noSpace(thrown) : thrown;
    }
  }

  /** Something refers to it now. */
  settled({ piece }: Taken): void {
    if (piece.file !== undefined) this.#parts.underWay.delete(piece.file);
  }

  /** Nothing will refer to it. */
  async discard(taken: Taken): Promise<void> {
    const { file } = taken.piece;
    if (file !== undefined) await this.#parts.big.remove(file).catch(() => undefined); // again at the next start
    this.settled(taken);
  }

  #codingFor({ encryption, isCold = false }: IntakeOptions): {
    coding: ChunkCoding;
    facts: Pick<PieceFacts, "salt">;
  } {
    if (!encryption) return { coding: { packs: isCold }, facts: {} };
    const salt = randomText(this.#parts.random, 32);
    return { coding: { packs: isCold, key: pieceKey(encryption.key, salt) }, facts: { salt } };
  }
}

function requireSize(sizeBytes: number, options: IntakeOptions): void {
  if (options.sizeBytes === undefined || options.sizeBytes === sizeBytes) return;
  throw new AwsError(
    "IncompleteBody",
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
  );
}

function requirePromised(
  etag: string,
  checksum: string | undefined,
  { contentMd5, checksum: asked }: IntakeOptions,
): void {
  if (contentMd5 !== undefined && contentMd5 !== etag) throw badDigest("Content-MD5");
  const expected = asked?.expected?.();
  if (expected !== undefined && expected !== checksum) throw badDigest(asked!.algorithm);
}

function requireSha256(base64: string | undefined, { contentSha256 }: IntakeOptions): void {
  if (!contentSha256 || base64 === undefined) return;
  const computed = Buffer.from(base64, "base64").toString("hex");
  if (computed !== contentSha256.expected) throw contentSha256.refuse(computed);
}

function checksumFact(
  algorithm: Checksum["algorithm"] | undefined,
  value: string | undefined,
): { checksum?: Checksum } {
  if (algorithm === undefined || value === undefined) return {};
  return { checksum: { algorithm, value, type: "FULL_OBJECT" } };
}

/** The classes that S3 has for what is seldom read. */
const coldClasses = new Set(["GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "STANDARD_IA", "ONEZONE_IA"]);

export const isColdClass = (storageClass: string) => coldClasses.has(storageClass);
