import { createHash, hash } from "node:crypto";
import type { BodyReader } from "./body.ts";
import type { Content } from "./content.ts";
import { refuse } from "./refusals.ts";
import { isSame, signatureOf } from "./signing-key.ts";

/**
 * The encoding "aws-chunked"
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html): chunks of
 * "SIZE;chunk-signature=…\r\nBYTES\r\n", one of size 0 at the end, then trailers. Bytes are given on as they come;
 * each chunk's signature covers the one before, so that none can be left out, added or exchanged.
 */
const chunkBytesMin = 8192;
const lineBytesMax = 512;
const trailerBytesMax = 16 * 1024;
const chunkHead = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/;
const emptyHash = hash("sha256", "", "hex");
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

type Chunks = Extract<Content, { kind: "chunks" }>;

export class ChunkReader implements BodyReader {
  readonly trailers: Record<string, string> = {};
  #asked: Chunks;
  #state: "head" | "data" | "gap" | "trailer" | "end" = "head";
  #line = "";
  /** Of the chunk that is being read. */
  #leftBytes = 0;
  #sizeBytes = chunkBytesMin;
  #number = 0;
  #signature = "";
  #hash = createHash("sha256");
  #previous: string;
  #totalBytes = 0;
  #trailerBytes = 0;
  #signedTrailer = "";
  #trailerSignature = "";

  constructor(asked: Chunks) {
    this.#asked = asked;
    this.#previous = asked.seed?.signature ?? "";
  }

  push(piece: Uint8Array): readonly Uint8Array[] {
    const given: Uint8Array[] = [];
    for (let at = 0; at < piece.length;) {
      if (this.#state === "data") at = this.#data(piece, at, given);
      else if (this.#state === "end") throw refuse.badChunk();
      else at = this.#text(piece, at);
    }
    return given;
  }

  end(): void {
    // The last empty line is left out by some clients when there are no trailers.
    const isWhole = this.#state === "end" || (this.#state === "trailer" && this.#line === "");
    if (!isWhole || this.#totalBytes !== this.#asked.decodedBytes) throw refuse.incompleteBody();
    if (this.#state === "trailer") this.#ended();
  }

  #data(piece: Uint8Array, at: number, given: Uint8Array[]): number {
    const end = Math.min(piece.length, at + this.#leftBytes);
    const bytes = piece.subarray(at, end);
    this.#leftBytes -= bytes.length;
    if (this.#asked.seed) this.#hash.update(bytes);
    given.push(bytes);
    if (this.#leftBytes === 0) {
      this.#checkChunk(this.#asked.seed ? this.#hash.digest("hex") : "");
      this.#state = "gap";
    }
    return end;
  }

  /** Reads up to the end of a line, which may come in several pieces. */
  #text(piece: Uint8Array, at: number): number {
    const feed = piece.indexOf(lineFeed, at);
    const end = feed < 0 ? piece.length : feed;
    const max = this.#state === "trailer" ? trailerBytesMax : lineBytesMax;
    if (this.#line.length + end - at > max) throw this.#malformed();
    this.#line += Buffer.from(piece.buffer, piece.byteOffset + at, end - at).toString("latin1");
    if (feed < 0) return end;
    const line = this.#line;
    this.#line = "";
    if (line.charCodeAt(line.length - 1) === carriageReturn) this.#read(line.slice(0, -1));
    else if (this.#state === "trailer") this.#read(line);
    else throw refuse.badChunk();
    return feed + 1;
  }

  #read(line: string): void {
    if (this.#state === "gap") {
      if (line !== "") throw refuse.badChunk();
      this.#state = "head";
    } else if (this.#state === "head") this.#head(line);
    else this.#trailer(line);
  }

  #head(line: string): void {
    const [, size, signature] = chunkHead.exec(line) ?? [];
    if (size === undefined || (this.#asked.seed && signature === undefined))
      throw refuse.badChunk();
    const sizeBytes = Number.parseInt(size, 16);
    if (sizeBytes > 0 && this.#sizeBytes < chunkBytesMin)
      throw refuse.smallChunk(this.#number, this.#sizeBytes);
    this.#number++;
    this.#totalBytes += sizeBytes;
    if (this.#totalBytes > this.#asked.decodedBytes) throw refuse.incompleteBody();
    this.#signature = signature ?? "";
    this.#sizeBytes = sizeBytes;
    this.#leftBytes = sizeBytes;
    if (sizeBytes === 0) {
      this.#checkChunk(emptyHash);
      this.#state = "trailer";
      return;
    }
    this.#state = "data";
    if (this.#asked.seed) this.#hash = createHash("sha256");
  }

  #checkChunk(digest: string): void {
    const { seed } = this.#asked;
    if (!seed) return;
    const { key, at, scope } = seed;
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${at}\n${scope}\n${this.#previous}\n${emptyHash}\n${digest}`;
    if (!isSame(signatureOf(key, text), this.#signature)) throw refuse.chunkMismatch();
    this.#previous = this.#signature;
  }

  #trailer(line: string): void {
    if (line === "") return this.#ended();
    this.#trailerBytes += line.length;
    const colon = line.indexOf(":");
    if (!this.#asked.hasTrailer || colon < 1 || this.#trailerBytes > trailerBytesMax)
      throw this.#malformed();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") {
      this.#trailerSignature = value;
      return;
    }
    if (!this.#asked.trailers.includes(name) || Object.hasOwn(this.trailers, name))
      throw refuse.badTrailer();
    this.#signedTrailer += `${name}:${value}\n`;
    this.trailers[name] = value;
  }

  #ended(): void {
    this.#state = "end";
    const { seed, hasTrailer, trailers } = this.#asked;
    if (!hasTrailer) return;
    for (const name of trailers) if (!Object.hasOwn(this.trailers, name)) throw refuse.badTrailer();
    if (!seed) return;
    const { key, at, scope } = seed;
    const digest = hash("sha256", Buffer.from(this.#signedTrailer, "latin1"), "hex");
    const text = `AWS4-HMAC-SHA256-TRAILER\n${at}\n${scope}\n${this.#previous}\n${digest}`;
    if (!isSame(signatureOf(key, text), this.#trailerSignature)) throw refuse.chunkMismatch();
  }

  #malformed(): Error {
    return this.#state === "trailer" ? refuse.badTrailer() : refuse.badChunk();
  }
}
