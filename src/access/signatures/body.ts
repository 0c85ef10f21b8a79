import { createHash, hash } from "node:crypto";
import { ChunkReader } from "./chunks.ts";
import type { Content } from "./content.ts";
import { refuse } from "./refusals.ts";

/** A body as it comes in, held against what its sender promised. */
export interface BodyReader {
  /** The object's bytes that this piece has: views of it. Throws AwsError as soon as something is wrong. */
  push(piece: Uint8Array): readonly Uint8Array[];
  /** To be called when no more comes: only then the body is what it should be. */
  end(): void;
  /** What came after the chunks, by names in lower case; complete after `end()`. */
  readonly trailers: Readonly<Record<string, string>>;
}

const noTrailers: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Reads a body piece by piece. Throws XAmzContentSHA256Mismatch, SignatureDoesNotMatch (of a chunk or the trailers),
 * InvalidChunkSizeError, MalformedTrailerError, IncompleteBody, InvalidRequest (chunks that are none).
 */
export function bodyReader(content: Content): BodyReader {
  if (content.kind === "chunks") return new ChunkReader(content);
  return content.kind === "hash" ? new HashReader(content.sha256) : plainReader;
}

/** A body that is whole: its bytes as they are promised, without chunks. */
export function verifiedBytes(
  bytes: Uint8Array,
  content: Content,
): { bytes: Uint8Array; trailers: Readonly<Record<string, string>> } {
  if (content.kind === "unsigned") return { bytes, trailers: noTrailers };
  if (content.kind === "hash") {
    const computed = hash("sha256", bytes, "hex");
    if (computed !== content.sha256) throw refuse.contentMismatch(content.sha256, computed);
    return { bytes, trailers: noTrailers };
  }
  const reader = new ChunkReader(content);
  const pieces = reader.push(bytes);
  reader.end();
  const [first = new Uint8Array()] = pieces;
  return {
    bytes: pieces.length < 2 ? first : Buffer.concat(pieces),
    trailers: reader.trailers,
  };
}

/** A body as a stream of the object's bytes. What was given out counts only when it ends without throwing. */
export async function* verifiedPieces(
  source: AsyncIterable<Uint8Array>,
  reader: BodyReader,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) for (const bytes of reader.push(piece)) yield bytes;
  reader.end();
}

const plainReader: BodyReader = {
  push: (piece) => [piece],
  end() {},
  trailers: noTrailers,
};

class HashReader implements BodyReader {
  readonly trailers = noTrailers;
  #hash = createHash("sha256");
  #expected: string;

  constructor(expected: string) {
    this.#expected = expected;
  }

  push(piece: Uint8Array): readonly Uint8Array[] {
    this.#hash.update(piece);
    return [piece];
  }

  end(): void {
    const computed = this.#hash.digest("hex");
    if (computed !== this.#expected) throw refuse.contentMismatch(this.#expected, computed);
  }
}
