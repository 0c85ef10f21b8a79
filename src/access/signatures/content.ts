import type { KeyObject } from "node:crypto";
import type { Claim } from "./claim.ts";
import { refuse } from "./refusals.ts";
import { scopeText } from "./signing-key.ts";
import type { SignedRequest } from "./signed-request.ts";

/** What the body of a request must turn out to be. */
export type Content =
  /** Anything: the signature says nothing of it. */
  | { kind: "unsigned" }
  /** Bytes of this SHA-256, in hexadecimal. */
  | { kind: "hash"; sha256: string }
  /** aws-chunked: each chunk signed after the one before, when `seed` is there; trailers at its end, when `hasTrailer`. */
  | {
      kind: "chunks";
      /** Bytes that the chunks hold together. */
      decodedBytes: number;
      hasTrailer: boolean;
      /** Names that "x-amz-trailer" announces, in lower case. */
      trailers: readonly string[];
      seed?: { signature: string; key: KeyObject; at: string; scope: string };
    };

/** By `x-amz-content-sha256`, as S3 documents its values. */
export function contentOf(
  { headers }: SignedRequest,
  signed: { hash: string; claim: Claim; key: KeyObject } | undefined,
): Content {
  const header = headers["x-amz-content-sha256"];
  const said = signed?.hash ?? (typeof header === "string" ? header : "UNSIGNED-PAYLOAD");
  if (said.length === 64 && /^[0-9a-fA-F]{64}$/.test(said))
    return { kind: "hash", sha256: said.toLowerCase() };
  switch (said) {
    case "UNSIGNED-PAYLOAD":
      return unsigned;
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return chunks(headers, true);
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": {
      if (!signed) throw refuse.badContentHash(said);
      const { claim, key } = signed;
      const { signature, at } = claim;
      const seed = { signature, key, at, scope: scopeText(claim.scope) };
      return { ...chunks(headers, said.endsWith("-TRAILER")), seed };
    }
    default:
      throw refuse.badContentHash(said);
  }
}

const unsigned: Content = { kind: "unsigned" };

function chunks(headers: SignedRequest["headers"], hasTrailer: boolean) {
  const length = headers["x-amz-decoded-content-length"];
  if (typeof length !== "string" || !/^\d{1,15}$/.test(length)) throw refuse.noDecodedLength();
  const announced = headers["x-amz-trailer"];
  const trailers =
    hasTrailer && typeof announced === "string"
      ? announced
          .toLowerCase()
          .split(",")
          .map((name) => name.trim())
      : [];
  return { kind: "chunks" as const, decodedBytes: Number(length), hasTrailer, trailers };
}
