/** The five checksums that S3 knows, beside the MD5 of the ETag. */
export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

/** `value` in base64; composite ones are of the parts' checksums, and end in "-N". */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  value: string;
  type: "FULL_OBJECT" | "COMPOSITE";
}

/** One part of an object that came in parts. */
export interface ObjectPart {
  number: number;
  sizeBytes: number;
  /** MD5 in hexadecimal. */
  etag: string;
  checksum?: Checksum;
}

/** How the bytes are kept secret; the key itself is in none of it. */
export interface ObjectEncryption {
  mode: "AES256" | "aws:kms" | "aws:kms:dsse" | "SSE-C";
  /** The key's ARN, of KMS. */
  kmsKeyId?: string;
  /** Of SSE-KMS: the encryption context as it came, base64 JSON. */
  kmsContext?: string;
  isBucketKey?: boolean;
  /** Of SSE-C: MD5 of the customer's key, base64. */
  customerKeyMd5?: string;
  /** The data key, sealed; absent with SSE-C. */
  sealedKey?: string;
}

/** GOVERNANCE can be lifted by who may, COMPLIANCE by nobody. */
export interface Retention {
  mode: "GOVERNANCE" | "COMPLIANCE";
  untilMs: number;
}

/** What a client says of an object and gets back with it. Names of `metadata` are in lower case, without "x-amz-meta-". */
export interface ObjectHeaders {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  /** As it came. */
  expires?: string;
  websiteRedirectLocation?: string;
  metadata?: Record<string, string>;
}

/** STANDARD and its like are kept as they came; the cold ones are compressed. */
export type StorageClass = string;

/** What of an object can change without its bytes being written again. */
export interface ObjectMarks {
  tags?: Record<string, string>;
  retention?: Retention;
  hasLegalHold?: boolean;
  /** Grants beyond the owner's full control, as JSON of the door's own. */
  acl?: string;
}

/** One version of an object. What does not apply is absent. */
export interface ObjectVersion extends ObjectHeaders, ObjectMarks {
  key: string;
  /** "null" for what was put while the bucket had no versions. */
  versionId: string;
  isLatest: boolean;
  modifiedMs: number;
  /** Account that put it. */
  ownerId: string;
  sizeBytes: number;
  /** MD5 in hexadecimal; of objects in parts the MD5 of theirs and "-N". Without quotes. */
  etag: string;
  checksum?: Checksum;
  parts?: readonly ObjectPart[];
  /** The upload in parts that it came of. */
  uploadId?: string;
  storageClass: StorageClass;
  encryption?: ObjectEncryption;
}

/** Says of a key that its object was deleted, while older versions stay. */
export interface DeleteMarker {
  key: string;
  versionId: string;
  isLatest: boolean;
  modifiedMs: number;
  ownerId: string;
  isDeleteMarker: true;
}

/** Of a bucket: no versions, all versions, or no new ones. */
export type Versioning = "off" | "enabled" | "suspended";
