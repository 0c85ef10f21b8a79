import type { IncomingHttpHeaders } from "node:http";
import { AwsError } from "#/model/aws-error.ts";
import type { Checksum, ChecksumAlgorithm } from "#/objects/object-version.ts";
import { invalidRequest } from "../errors.ts";

/** Bytes of each sort of checksum. */
const sizes: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

const algorithms = Object.keys(sizes) as ChecksumAlgorithm[];

export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

const byHeader = new Map(algorithms.map((algorithm) => [checksumHeader(algorithm), algorithm]));
const notValues = new Set([
  "x-amz-checksum-type",
  "x-amz-checksum-mode",
  "x-amz-checksum-algorithm",
]);

/** The checksum that a body was announced with. */
export interface AnnouncedChecksum {
  algorithm: ChecksumAlgorithm;
  /** In base64; absent when it comes in the trailer. */
  value?: string;
  inTrailer: boolean;
}

/** What a client says of its body's checksum, in headers or a trailer to come. Throws "InvalidRequest". */
export function announcedChecksum(headers: IncomingHttpHeaders): AnnouncedChecksum | undefined {
  const found = checksumIn(headers);
  const trailer = headers["x-amz-trailer"];
  const announced = typeof trailer === "string" ? trailerAlgorithm(trailer) : undefined;
  if (found && announced)
    throw invalidRequest(
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  const named = headers["x-amz-sdk-checksum-algorithm"];
  if (named !== undefined) {
    const algorithm = algorithmNamed(String(named), "x-amz-sdk-checksum-algorithm");
    const actual = found?.algorithm ?? announced;
    if (actual === undefined)
      throw invalidRequest(
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
      );
    if (actual !== algorithm)
      throw invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (found) return { ...found, inTrailer: false };
  return announced && { algorithm: announced, inTrailer: true };
}

/** The one checksum that headers carry. Throws "InvalidRequest" for two, unknown or malformed ones. */
export function checksumIn(
  headers: IncomingHttpHeaders,
  mayBeComposite = false,
): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  let found: { algorithm: ChecksumAlgorithm; value: string } | undefined;
  for (const header in headers) {
    if (!header.startsWith("x-amz-checksum-") || notValues.has(header)) continue;
    const algorithm = byHeader.get(header);
    if (!algorithm)
      throw invalidRequest(
        "The algorithm type you specified in x-amz-checksum- header is invalid.",
      );
    if (found)
      throw invalidRequest(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      );
    found = { algorithm, value: String(headers[header]) };
  }
  if (found) {
    const header = checksumHeader(found.algorithm);
    checkedValue(found.algorithm, found.value, header, mayBeComposite);
  }
  return found;
}

/** A value of a part or a trailer, by its size; composite ones end in "-N". Throws "InvalidRequest". */
export function checkedValue(
  algorithm: ChecksumAlgorithm,
  value: string,
  header: string,
  mayBeComposite = false,
): string {
  const bare = mayBeComposite ? value.replace(/-\d{1,5}$/, "") : value;
  const bytes = Buffer.from(bare, "base64");
  if (bytes.length !== sizes[algorithm] || bytes.toString("base64") !== bare)
    throw invalidRequest(`Value for ${header} header is invalid.`);
  return value;
}

function trailerAlgorithm(trailer: string): ChecksumAlgorithm | undefined {
  const names = trailer
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "x-amz-trailer-signature");
  if (names.length === 0) return undefined;
  const algorithm = byHeader.get(names[0]!);
  if (names.length > 1 || !algorithm)
    throw invalidRequest("The value specified in the x-amz-trailer header is not supported");
  return algorithm;
}

export function algorithmNamed(name: string, header: string): ChecksumAlgorithm {
  const algorithm = algorithms.find((one) => one === name.toUpperCase());
  if (!algorithm)
    throw invalidRequest(
      header === "x-amz-checksum-algorithm"
        ? "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        : `Value for ${header} header is invalid.`,
    );
  return algorithm;
}

/** How the checksum of an upload's object is to be made. Throws "InvalidRequest" for what does not go together. */
export function uploadChecksum(
  headers: IncomingHttpHeaders,
): { algorithm: ChecksumAlgorithm; type: Checksum["type"] } | undefined {
  const named = headers["x-amz-checksum-algorithm"];
  const type = headers["x-amz-checksum-type"];
  if (named === undefined) {
    if (type !== undefined)
      throw invalidRequest(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    return undefined;
  }
  const algorithm = algorithmNamed(String(named), "x-amz-checksum-algorithm");
  if (type === undefined)
    return { algorithm, type: algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE" };
  const wanted = checksumType(String(type));
  const cannot = wanted === "FULL_OBJECT" ? algorithm.startsWith("SHA") : algorithm === "CRC64NVME";
  if (cannot)
    throw invalidRequest(
      `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: wanted };
}

export function checksumType(type: string): Checksum["type"] {
  const upper = type.toUpperCase();
  if (upper === "FULL_OBJECT" || upper === "COMPOSITE") return upper;
  throw invalidRequest("Value for x-amz-checksum-type header is invalid.");
}

/** Content-MD5 in hexadecimal. Throws "InvalidDigest" for what is no MD5 in base64. */
export function contentMd5(headers: IncomingHttpHeaders): string | undefined {
  const value = headers["content-md5"];
  if (value === undefined) return undefined;
  const bytes = Buffer.from(String(value), "base64");
  if (bytes.length !== 16 || bytes.toString("base64") !== value)
    throw new AwsError("InvalidDigest", 400, "The Content-MD5 you specified was invalid.", {
      fields: { "Content-MD5": String(value) },
    });
  return bytes.toString("hex");
}
