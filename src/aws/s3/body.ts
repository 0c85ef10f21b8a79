import { refuse } from "#/access/signatures/refusals.ts";
import { limits } from "#/base/limits.ts";
import { verifiedBytes, verifiedPieces, bodyReader } from "#/access/signatures/body.ts";
import { AwsError } from "#/model/aws-error.ts";
import { checksummer } from "#/objects/local/digests.ts";
import type { ChecksumAlgorithm } from "#/objects/object-version.ts";
import type { ObjectSource, PutOptions } from "#/objects/object-store.ts";
import type { ObjectCall } from "./call.ts";
import {
  badDigest,
  entityTooLarge,
  headerNotImplemented,
  incompleteBody,
  invalidRequest,
  missingContentLength,
} from "./errors.ts";
import { checkedValue, checksumHeader, type AnnouncedChecksum } from "./headers/checksums.ts";

/** A body that is about to be stored. */
export interface ObjectBody {
  source: ObjectSource;
  /** What the store is to hold it against. */
  promised: Pick<PutOptions, "sizeBytes" | "contentSha256"> & {
    checksum: NonNullable<PutOptions["checksum"]>;
  };
}

/**
 * How long the object will be, told before a byte of it is taken. Throws "MissingContentLength", "EntityTooLarge",
 * "NotImplemented" (a length that is not told, as S3 has it).
 */
export function announcedSize(call: ObjectCall, max = limits.objectPutBytesMax): number {
  const { headers } = call;
  const decoded = headers["x-amz-decoded-content-length"];
  const content = call.context.verified.content;
  if (headers["content-length"] === undefined && content.kind !== "chunks") {
    if (headers["transfer-encoding"] !== undefined) throw headerNotImplemented("Transfer-Encoding");
    throw missingContentLength();
  }
  const size = Number(content.kind === "chunks" ? decoded : headers["content-length"]);
  if (!Number.isSafeInteger(size) || size < 0)
    throw invalidRequest("Value for Content-Length header is invalid.");
  if (size > max) throw entityTooLarge(size, max);
  return size;
}

/**
 * Takes the body of a write, in one piece when it is small: then nothing of it is a stream. Whatever was promised of it (its length,
 * its hash, the signatures of its chunks) holds once it was read to its end.
 */
export async function takeBody(
  call: ObjectCall,
  sizeBytes: number,
  announced: AnnouncedChecksum,
): Promise<ObjectBody> {
  const { request, verified } = call.context;
  call.context.takeBody();
  const onWire = Number(request.headers["content-length"] ?? Infinity);
  if (onWire <= limits.objectInlineBytesMax) {
    const whole = await readWhole(call, onWire);
    const { bytes, trailers } = verifiedBytes(whole, verified.content);
    return { source: bytes, promised: { sizeBytes, checksum: held(announced, trailers) } };
  }
  const { content } = verified;
  if (content.kind === "hash") {
    // The store hashes on threads, and this with the rest.
    const expected = content.sha256;
    const mismatch = (computed: string) => refuse.contentMismatch(expected, computed);
    const checksum = held(announced, {});
    const contentSha256 = { expected, refuse: mismatch };
    return { source: piecesOf(call, onWire), promised: { sizeBytes, checksum, contentSha256 } };
  }
  const reader = bodyReader(verified.content);
  return {
    source: verifiedPieces(piecesOf(call, onWire), reader),
    promised: { sizeBytes, checksum: held(announced, reader.trailers) },
  };
}

/** The same, held here against what its client announced, where the store is to keep another checksum of it. */
export async function keptOtherwise(
  body: ObjectBody,
  algorithm: ChecksumAlgorithm,
): Promise<ObjectBody> {
  const { source, promised } = body;
  const { checksum } = promised;
  if (checksum.algorithm === algorithm) return body;
  const other = { ...promised, checksum: { algorithm } };
  const sum = await checksummer(checksum.algorithm);
  const check = () => {
    const expected = checksum.expected?.();
    if (expected !== undefined && sum.finish() !== expected) throw badDigest(checksum.algorithm);
  };
  if (source instanceof Uint8Array) {
    sum.update(source);
    check();
    return { source, promised: other };
  }
  async function* checked(pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      sum.update(piece);
      yield piece;
    }
    check();
  }
  return { source: checked(source), promised: other };
}

function held(
  { algorithm, value, inTrailer }: AnnouncedChecksum,
  trailers: Readonly<Record<string, string>>,
): ObjectBody["promised"]["checksum"] {
  if (!inTrailer) return value === undefined ? { algorithm } : { algorithm, expected: () => value };
  const header = checksumHeader(algorithm);
  return {
    algorithm,
    expected() {
      const sent = trailers[header];
      if (sent === undefined)
        throw new AwsError(
          "MalformedTrailerError",
          400,
          "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        );
      return checkedValue(algorithm, sent, `${header} trailing`);
    },
  };
}

/** Listens to the request itself: a small body is mostly there with its head, in one piece. */
function readWhole({ context: { request } }: ObjectCall, length: number): Promise<Uint8Array> {
  if (length === 0) return noBytes;
  return new Promise((resolve, reject) => {
    let whole: Buffer | undefined;
    let at = 0;
    request.on("data", (piece: Buffer) => {
      at += piece.length;
      if (at === piece.length && at === length) return resolve(piece);
      whole ??= Buffer.allocUnsafe(length);
      whole.set(piece, at - piece.length);
      if (at === length) resolve(whole);
    });
    request.on("close", () => {
      if (at < length) reject(incompleteBody());
    });
  });
}

const noBytes = Promise.resolve(new Uint8Array());

/** Piece by piece, as the store takes them. */
async function* piecesOf(
  { context: { request } }: ObjectCall,
  length: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  try {
    for await (const piece of request as AsyncIterable<Uint8Array>) {
      at += piece.length;
      yield piece;
    }
  } catch {
    throw incompleteBody();
  }
  if (length !== Infinity && at !== length) throw incompleteBody();
}

/** A small document, all of it. Throws "EntityTooLarge" ("MaxMessageLengthExceeded"), "MissingContentLength". */
export async function readDocumentBody(call: ObjectCall): Promise<Uint8Array> {
  const size = announcedSize(call);
  if (size > limits.awsDocumentBytesMax)
    throw new AwsError("MaxMessageLengthExceeded", 400, "Your request was too big.", {
      fields: { MaxMessageLengthBytes: String(limits.awsDocumentBytesMax) },
    });
  const { request, verified } = call.context;
  call.context.takeBody();
  const onWire = Number(request.headers["content-length"] ?? Infinity);
  if (onWire !== Infinity && onWire <= 2 * limits.awsDocumentBytesMax)
    return verifiedBytes(await readWhole(call, onWire), verified.content).bytes;
  const pieces: Uint8Array[] = [];
  for await (const piece of verifiedPieces(piecesOf(call, onWire), bodyReader(verified.content)))
    pieces.push(piece);
  return Buffer.concat(pieces);
}
