import type { CorsRule } from "./bucket-cors.ts";
import type { Grant } from "./bucket-grants.ts";
import type { InventoryRule } from "./bucket-inventory.ts";
import type { Lifecycle } from "./bucket-lifecycle.ts";
import type { NotificationRule } from "./bucket-notification.ts";
import type { Website } from "./bucket-website.ts";
import type { RecordOf } from "./record.ts";

/** A bucket. Its name is unique over all projects, as that of S3; its id is never used twice. */
export type BucketRecord = RecordOf<"bucket", BucketSpec, BucketStatus>;

export interface BucketSpec {
  id: string;
  createdAt: number;
  region: string;
  /** Twelve digits: the project's number as an account. */
  accountId: string;
  versioning: "off" | "enabled" | "suspended";
  /** Set when it was made with object lock; `rule` is what new objects get. */
  objectLock?: { rule?: { mode: "GOVERNANCE" | "COMPLIANCE"; days?: number; years?: number } };
  /** What new objects are encrypted with when their call names nothing. */
  encryption?: DefaultEncryption;
  /** The bucket policy as it came, JSON. */
  policy?: string;
  /** Absent once it was deleted: then it is as "ObjectWriter". */
  ownership?: "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";
  /** Absent once it was deleted: then nothing is blocked. */
  publicAccessBlock?: PublicAccessBlock;
  /** All grants, the owner's own too; absent as long as that is the only one. */
  acl?: readonly Grant[];
  tags?: Record<string, string>;
  cors?: readonly CorsRule[];
  website?: Website;
  lifecycle?: Lifecycle;
  notification?: { rules: readonly NotificationRule[]; eventBridge?: boolean };
  logging?: Logging;
  /** By id. */
  inventory?: Record<string, InventoryRule>;
  /** The caller pays: others than the owner must say that they know. */
  requesterPays?: boolean;
  /** What all its versions and parts may have together. */
  quotaBytes?: number;
  quotaObjects?: number;
}

export interface DefaultEncryption {
  mode: "AES256" | "aws:kms" | "aws:kms:dsse";
  kmsKeyId?: string;
  isBucketKey?: boolean;
  /** Keys that customers keep (SSE-C) are refused. */
  blocksCustomerKeys?: boolean;
}

export interface PublicAccessBlock {
  blockPublicAcls: boolean;
  ignorePublicAcls: boolean;
  blockPublicPolicy: boolean;
  restrictPublicBuckets: boolean;
}

/** Where the server access log goes. */
export interface Logging {
  bucket: string;
  prefix: string;
  /** Keys that sort by day: "PREFIX/account/region/bucket/YYYY/MM/DD/…", by the time of the events or of the delivery. */
  partitionedBy?: "EventTime" | "DeliveryTime";
}

export interface BucketStatus {
  /** It is being deleted: nothing new comes into it. */
  isDeleting?: true;
  /** When each inventory was last written, by id. */
  inventoriedAt?: Record<string, number>;
  /** When the last pass of its lifecycle was through, and a digest of the rules that it was by. */
  lifecycle?: { at: number; digest: string };
  /** What its rules are about to do and somebody is to be told of; it may have been done. */
  deeds?: readonly LifecycleDeed[];
}

/** What a lifecycle rule does to one version. */
export interface LifecycleDeed {
  /** "expire" is of the current version, which is hidden where there are versions; "remove" is for good. */
  kind: "expire" | "remove" | "move";
  key: string;
  versionId: string;
  modifiedMs: number;
  /** Not of markers. */
  etag?: string;
  /** What it is moved to, and what else is told of that. */
  storageClass?: string;
  sizeBytes?: number;
}
