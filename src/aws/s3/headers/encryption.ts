import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AwsError } from "#/model/aws-error.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import type { ObjectEncryption } from "#/objects/object-version.ts";
import { invalidArgument, invalidRequest } from "../errors.ts";

/** A customer's key: 32 bytes, and its MD5 in base64, which is all that is kept of it. */
export interface CustomerKey {
  key: Uint8Array;
  md5: string;
}

const keyHeadersOf = (prefix: string) => ({
  algorithm: `${prefix}algorithm`,
  key: `${prefix}key`,
  md5: `${prefix}key-md5`,
});

/** Written out once: each request is asked for them. */
const keyHeaders = {
  "x-amz-server-side-encryption-customer-": keyHeadersOf("x-amz-server-side-encryption-customer-"),
  "x-amz-copy-source-server-side-encryption-customer-": keyHeadersOf(
    "x-amz-copy-source-server-side-encryption-customer-",
  ),
};

/** Of the request's object, or (with the longer prefix) of what is copied. Throws "InvalidArgument", "InvalidRequest". */
export function customerKey(
  headers: IncomingHttpHeaders,
  prefix:
    | "x-amz-server-side-encryption-customer-"
    | "x-amz-copy-source-server-side-encryption-customer-" = "x-amz-server-side-encryption-customer-",
): CustomerKey | undefined {
  const names = keyHeaders[prefix];
  const algorithm = headers[names.algorithm];
  const encoded = headers[names.key];
  const md5 = headers[names.md5];
  if (algorithm === undefined && encoded === undefined && md5 === undefined) return undefined;
  if (algorithm === undefined)
    throw invalidArgument(
      "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
      `${prefix}algorithm`,
      "null",
    );
  if (algorithm !== "AES256")
    throw new AwsError(
      "InvalidEncryptionAlgorithmError",
      400,
      "The encryption request that you specified is not valid. The valid value is AES256.",
      { fields: { ArgumentName: `${prefix}algorithm`, ArgumentValue: String(algorithm) } },
    );
  if (encoded === undefined)
    throw invalidArgument(
      "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
      `${prefix}key`,
      "null",
    );
  const key = Buffer.from(String(encoded), "base64");
  if (key.length !== 32)
    throw invalidArgument(
      "The secret key was invalid for the specified algorithm.",
      `${prefix}key`,
      "null",
    );
  if (md5 === undefined)
    throw invalidArgument(
      "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
      `${prefix}key-MD5`,
      "null",
    );
  if (createHash("md5").update(key).digest("base64") !== md5)
    throw invalidArgument(
      "The calculated MD5 hash of the key did not match the hash that was provided.",
      `${prefix}key-MD5`,
      String(md5),
    );
  return { key, md5 };
}

/** What an object is to be encrypted with: as its call says, else as its bucket does. */
export interface WantedEncryption {
  mode: ObjectEncryption["mode"];
  kmsKeyId?: string;
  kmsContext?: string;
  isBucketKey?: boolean;
  customer?: CustomerKey;
}

const sse = "x-amz-server-side-encryption";

/** Undefined where neither the call nor the bucket asks for any. Throws "InvalidArgument", "InvalidRequest". */
export function wantedEncryption(
  headers: IncomingHttpHeaders,
  bucket: BucketSpec,
): WantedEncryption | undefined {
  const mode = headers[sse];
  const customer = customerKey(headers);
  if (customer) {
    if (mode !== undefined)
      throw invalidArgument(
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        sse,
        String(mode),
      );
    return { mode: "SSE-C", customer };
  }
  const kmsKeyId = textOf(headers[`${sse}-aws-kms-key-id`]);
  const kmsContext = textOf(headers[`${sse}-context`]);
  const bucketKey = textOf(headers[`${sse}-bucket-key-enabled`]);
  if (mode === undefined) {
    if (kmsKeyId !== undefined || kmsContext !== undefined)
      throw invalidArgument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        sse,
      );
    return bucket.encryption;
  }
  if (mode !== "AES256" && mode !== "aws:kms" && mode !== "aws:kms:dsse")
    throw invalidArgument("The encryption method specified is not supported", sse, String(mode));
  if (mode === "AES256") {
    if (kmsKeyId !== undefined)
      throw invalidArgument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        sse,
        mode,
      );
    return { mode };
  }
  if (kmsContext !== undefined && !isContext(kmsContext))
    throw invalidArgument(
      "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map.",
      `${sse}-context`,
      kmsContext,
    );
  const standard = bucket.encryption?.mode === mode ? bucket.encryption : undefined;
  const key = kmsKeyId ?? standard?.kmsKeyId;
  const isBucketKey = bucketKey === undefined ? standard?.isBucketKey : bucketKey === "true";
  return {
    mode,
    ...(key !== undefined && { kmsKeyId: key }),
    ...(kmsContext !== undefined && { kmsContext }),
    ...(isBucketKey !== undefined && { isBucketKey }),
  };
}

const textOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

function isContext(encoded: string): boolean {
  try {
    const read: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    return (
      typeof read === "object" &&
      read !== null &&
      !Array.isArray(read) &&
      Object.values(read).every((value) => typeof value === "string")
    );
  } catch {
    return false;
  }
}

/** That a read of this object brings the key that it needs, and none that it does not. Throws "InvalidRequest", "AccessDenied". */
export function openedBy(
  encryption: ObjectEncryption | undefined,
  customer: CustomerKey | undefined,
): Uint8Array | undefined {
  if (encryption?.mode !== "SSE-C") {
    if (customer)
      throw invalidRequest("The encryption parameters are not applicable to this object.");
    return undefined;
  }
  if (!customer)
    throw invalidRequest(
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  if (customer.md5 !== encryption.customerKeyMd5)
    throw new AwsError("AccessDenied", 403, "Access Denied");
  return customer.key;
}

/** What the answer to a new object or upload tells: who says the context is told it, who only reads is not. */
export function newEncryptionHeaders(
  headers: Record<string, string | number>,
  encryption: ObjectEncryption | undefined,
): void {
  encryptionHeaders(headers, encryption);
  if (encryption?.kmsContext !== undefined) headers[`${sse}-context`] = encryption.kmsContext;
}

/** What any other answer tells of it. */
export function encryptionHeaders(
  headers: Record<string, string | number>,
  encryption: ObjectEncryption | undefined,
): void {
  if (!encryption) return;
  if (encryption.mode === "SSE-C") {
    headers[`${sse}-customer-algorithm`] = "AES256";
    headers[`${sse}-customer-key-md5`] = encryption.customerKeyMd5 ?? "";
  } else {
    headers[sse] = encryption.mode;
    if (encryption.mode === "AES256") return;
    if (encryption.kmsKeyId !== undefined) headers[`${sse}-aws-kms-key-id`] = encryption.kmsKeyId;
    if (encryption.isBucketKey) headers[`${sse}-bucket-key-enabled`] = "true";
  }
}
