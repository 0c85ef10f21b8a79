import type {
  InventoryConfiguration,
  InventoryOptionalField,
  InventoryS3BucketDestination,
} from "@aws-sdk/client-s3";
import type { InventoryRule } from "#/model/bucket-inventory.ts";
import { AwsError } from "#/model/aws-error.ts";
import { invalidArgument, malformedXml } from "./errors.ts";

const fields = new Set(
  (
    "Size LastModifiedDate StorageClass ETag IsMultipartUploaded ReplicationStatus EncryptionStatus ObjectLockRetainUntilDate " +
    "ObjectLockMode ObjectLockLegalHoldStatus IntelligentTieringAccessTier BucketKeyStatus ChecksumAlgorithm ObjectAccessControlList ObjectOwner"
  ).split(" "),
);

/** Throws "MalformedXML", "InvalidArgument" and "NotImplemented" (for ORC and Parquet). */
export function readInventory(
  id: string | undefined,
  asked: InventoryConfiguration | undefined,
): InventoryRule {
  if (!asked?.Destination?.S3BucketDestination || !asked.Schedule) throw malformedXml();
  if (asked.Id !== id || !id || !/^[\w.-]{1,64}$/.test(id))
    throw invalidArgument("The Id is not valid or is not the one in the request", "Id", id);
  const {
    Bucket = "",
    Format,
    AccountId,
    Prefix,
    Encryption,
  } = asked.Destination.S3BucketDestination;
  const versions = asked.IncludedObjectVersions;
  const frequency = asked.Schedule.Frequency;
  if (versions !== "All" && versions !== "Current") throw malformedXml();
  if (frequency !== "Daily" && frequency !== "Weekly") throw malformedXml();
  if (typeof asked.IsEnabled !== "boolean") throw malformedXml();
  if (Format === "ORC" || Format === "Parquet")
    throw new AwsError("NotImplemented", 501, `Inventories are written as CSV, not as ${Format}`);
  if (Format !== "CSV") throw malformedXml();
  if (!Bucket.startsWith("arn:aws:s3:::"))
    throw invalidArgument("Invalid bucket ARN", "Bucket", Bucket);
  const named = asked.OptionalFields ?? [];
  if (named.some((field) => !fields.has(field))) throw malformedXml();
  if (asked.Filter && asked.Filter.Prefix === undefined) throw malformedXml();
  return {
    isEnabled: asked.IsEnabled,
    targetAccountId: AccountId,
    targetBucket: Bucket.slice("arn:aws:s3:::".length),
    targetPrefix: Prefix,
    encryption: readEncryption(Encryption),
    prefix: asked.Filter?.Prefix,
    versions,
    frequency,
    fields: [...new Set(named)],
  };
}

function readEncryption(
  asked: InventoryS3BucketDestination["Encryption"],
): InventoryRule["encryption"] {
  if (asked?.SSEKMS) {
    if (!asked.SSEKMS.KeyId) throw malformedXml();
    return { mode: "aws:kms", kmsKeyId: asked.SSEKMS.KeyId };
  }
  return asked?.SSES3 ? { mode: "AES256" } : undefined;
}

export function writeInventory(id: string, rule: InventoryRule): InventoryConfiguration {
  const { targetBucket, targetPrefix, targetAccountId, encryption, prefix } = rule;
  return {
    Id: id,
    IsEnabled: rule.isEnabled,
    IncludedObjectVersions: rule.versions,
    Schedule: { Frequency: rule.frequency },
    Destination: {
      S3BucketDestination: {
        Bucket: `arn:aws:s3:::${targetBucket}`,
        Format: "CSV",
        AccountId: targetAccountId,
        Prefix: targetPrefix,
        Encryption:
          encryption &&
          (encryption.mode === "AES256"
            ? { SSES3: {} }
            : { SSEKMS: { KeyId: encryption.kmsKeyId } }),
      },
    },
    Filter: prefix === undefined ? undefined : { Prefix: prefix },
    OptionalFields:
      rule.fields.length === 0 ? undefined : [...(rule.fields as InventoryOptionalField[])],
  };
}
