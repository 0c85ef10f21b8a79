import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AwsError } from "#/model/aws-error.ts";
import { checksumOf } from "#/objects/local/digests.ts";
import { badDigest, invalidRequest } from "./errors.ts";
import { checksumIn, contentMd5 } from "./headers/checksums.ts";

/**
 * Holds a document against the digests that it came with. Throws "BadDigest", "InvalidDigest", and "InvalidRequest" where
 * S3 wants one and there is none.
 */
export async function checkDigest(
  { headers }: { headers: IncomingHttpHeaders },
  body: Uint8Array,
  { isRequired }: { isRequired: boolean },
): Promise<void> {
  const md5 = contentMd5(headers);
  const checksum = checksumIn(headers);
  if (isRequired && md5 === undefined && !checksum && headers["x-amz-trailer"] === undefined)
    throw invalidRequest(
      "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    );
  if (md5 !== undefined && createHash("md5").update(body).digest("hex") !== md5)
    throw new AwsError(
      "BadDigest",
      400,
      "The Content-MD5 you specified did not match what we received.",
    );
  if (checksum && (await checksumOf(checksum.algorithm, body)) !== checksum.value)
    throw badDigest(checksum.algorithm);
}
