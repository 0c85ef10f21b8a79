import type { ServerSideEncryptionConfiguration } from "@aws-sdk/client-s3";
import type { DefaultEncryption } from "#/model/bucket.ts";
import { invalidArgument, malformedXml } from "./errors.ts";

/** Throws "MalformedXML" and "InvalidArgument", as S3 does. */
export function readEncryption(
  asked: ServerSideEncryptionConfiguration | undefined,
): DefaultEncryption {
  const [rule, ...others] = asked?.Rules ?? [];
  const { SSEAlgorithm: mode, KMSMasterKeyID: kmsKeyId } =
    rule?.ApplyServerSideEncryptionByDefault ?? {};
  if (!rule || others.length > 0 || mode === undefined) throw malformedXml();
  if (mode !== "AES256" && mode !== "aws:kms" && mode !== "aws:kms:dsse") throw malformedXml();
  if (mode === "AES256" && kmsKeyId !== undefined)
    throw invalidArgument(
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
      "ApplyServerSideEncryptionByDefault",
    );
  if (kmsKeyId === "") throw malformedXml();
  const blocked = rule.BlockedEncryptionTypes?.EncryptionType;
  if (blocked?.some((type) => type !== "NONE" && type !== "SSE-C")) throw malformedXml();
  return {
    mode,
    kmsKeyId,
    isBucketKey: rule.BucketKeyEnabled,
    ...(blocked?.includes("SSE-C") && { blocksCustomerKeys: true }),
  };
}

export function writeEncryption(encryption: DefaultEncryption): ServerSideEncryptionConfiguration {
  const { mode, kmsKeyId, isBucketKey = false, blocksCustomerKeys } = encryption;
  return {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: mode, KMSMasterKeyID: kmsKeyId },
        BucketKeyEnabled: isBucketKey,
        ...(blocksCustomerKeys && { BlockedEncryptionTypes: { EncryptionType: ["SSE-C"] } }),
      },
    ],
  };
}
