import { canonicalUserIdOf } from "#/model/account.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { groupUris, type Grant } from "#/model/bucket-grants.ts";
import type { InventoryRule } from "#/model/bucket-inventory.ts";
import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";

type Version = ObjectVersion | DeleteMarker;
type Column = (version: Version, bucket: BucketRecord) => string;

const always: Record<string, Column> = {
  Bucket: (_, { name }) => name,
  Key: ({ key }) => encodeURIComponent(key.toWellFormed()).replaceAll("%2F", "/"),
};

const ofVersions: Record<string, Column> = {
  VersionId: ({ versionId }) => (versionId === "null" ? "" : versionId),
  IsLatest: ({ isLatest }) => String(isLatest),
  IsDeleteMarker: (version) => String("isDeleteMarker" in version),
};

/** Of what is there: a marker has none of it but its date. */
const about =
  (tell: (version: ObjectVersion, bucket: BucketRecord) => string): Column =>
  (version, bucket) =>
    "isDeleteMarker" in version ? "" : tell(version, bucket);

const modes = {
  AES256: "SSE-S3",
  "aws:kms": "SSE-KMS",
  "aws:kms:dsse": "DSSE-KMS",
  "SSE-C": "SSE-C",
};

const optional: Record<string, Column> = {
  Size: about(({ sizeBytes }) => String(sizeBytes)),
  LastModifiedDate: ({ modifiedMs }) => new Date(modifiedMs).toISOString(),
  StorageClass: about(({ storageClass }) => storageClass),
  ETag: about(({ etag }) => etag),
  IsMultipartUploaded: about(({ parts }) => String(parts !== undefined)),
  ReplicationStatus: () => "",
  EncryptionStatus: about(({ encryption }) => (encryption ? modes[encryption.mode] : "NOT-SSE")),
  ObjectLockRetainUntilDate: about(({ retention }) =>
    retention ? new Date(retention.untilMs).toISOString() : "",
  ),
  ObjectLockMode: about(({ retention }) => retention?.mode ?? ""),
  ObjectLockLegalHoldStatus: about(({ hasLegalHold }) =>
    hasLegalHold === undefined ? "" : hasLegalHold ? "On" : "Off",
  ),
  IntelligentTieringAccessTier: () => "",
  BucketKeyStatus: about(({ encryption }) =>
    encryption?.mode === "aws:kms" ? (encryption.isBucketKey ? "ENABLED" : "DISABLED") : "",
  ),
  ChecksumAlgorithm: about(({ checksum }) => checksum?.algorithm ?? ""),
  ObjectAccessControlList: about(({ acl, ownerId }) =>
    Buffer.from(
      JSON.stringify({
        version: "2022-11-10",
        status: "AVAILABLE",
        grants: grantsOf(acl, ownerId),
      }),
    ).toString("base64"),
  ),
  ObjectOwner: about(({ ownerId }) => canonicalUserIdOf(ownerId)),
};

/** As S3 writes them down in reports. */
function grantsOf(acl: string | undefined, ownerId: string): object[] {
  const own: Grant = {
    to: { canonicalId: canonicalUserIdOf(ownerId) },
    permission: "FULL_CONTROL",
  };
  const grants = acl === undefined ? [own] : (JSON.parse(acl) as Grant[]);
  return grants.map(({ to, permission }) =>
    "group" in to
      ? { uri: groupUris[to.group], type: "Group", permission }
      : { canonicalId: to.canonicalId, type: "CanonicalUser", permission },
  );
}

/** The columns of a report by their names, in order. */
export function columnsOf({ versions, fields }: InventoryRule): [name: string, column: Column][] {
  return [
    ...Object.entries(always),
    ...(versions === "All" ? Object.entries(ofVersions) : []),
    ...fields.map((field): [string, Column] => [field, optional[field]!]),
  ];
}

/** One line of CSV; all of its values are in quotes. */
export function lineOf(
  columns: readonly [string, Column][],
  version: Version,
  bucket: BucketRecord,
): string {
  const values = columns.map(([, tell]) => `"${tell(version, bucket).replaceAll('"', '""')}"`);
  return `${values.join(",")}\n`;
}
