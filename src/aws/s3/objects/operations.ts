import type { Operations } from "../../call.ts";

/** Calls about objects. Directory buckets' RenameObject, torrents and SelectObjectContent are not there. */
export const objectOperations: Operations = {
  PutObject: async () => (await import("./put-object.ts")).putObject,
  PostObject: async () => (await import("../post/post-object.ts")).postObject,
  GetObject: async () => (await import("./get-object.ts")).getObject,
  HeadObject: async () => (await import("./head-object.ts")).headObject,
  DeleteObject: async () => (await import("./delete-object.ts")).deleteObject,
  DeleteObjects: async () => (await import("./delete-objects.ts")).deleteObjects,
  CopyObject: async () => (await import("./copy-object.ts")).copyObject,
  GetObjectAttributes: async () => (await import("./get-object-attributes.ts")).getObjectAttributes,
  ListObjects: async () => (await import("./list-objects.ts")).listObjects,
  ListObjectsV2: async () => (await import("./list-objects-v2.ts")).listObjectsV2,
  ListObjectVersions: async () => (await import("./list-object-versions.ts")).listObjectVersions,
  GetObjectTagging: async () => (await import("./get-object-tagging.ts")).getObjectTagging,
  PutObjectTagging: async () => (await import("./put-object-tagging.ts")).putObjectTagging,
  DeleteObjectTagging: async () => (await import("./delete-object-tagging.ts")).deleteObjectTagging,
  GetObjectAcl: async () => (await import("./get-object-acl.ts")).getObjectAcl,
  PutObjectAcl: async () => (await import("./put-object-acl.ts")).putObjectAcl,
  GetObjectRetention: async () => (await import("./get-object-retention.ts")).getObjectRetention,
  PutObjectRetention: async () => (await import("./put-object-retention.ts")).putObjectRetention,
  GetObjectLegalHold: async () => (await import("./get-object-legal-hold.ts")).getObjectLegalHold,
  PutObjectLegalHold: async () => (await import("./put-object-legal-hold.ts")).putObjectLegalHold,
  RestoreObject: async () => (await import("./restore-object.ts")).restoreObject,
  CreateMultipartUpload: async () =>
    (await import("./create-multipart-upload.ts")).createMultipartUpload,
  UploadPart: async () => (await import("./upload-part.ts")).uploadPart,
  UploadPartCopy: async () => (await import("./upload-part-copy.ts")).uploadPartCopy,
  CompleteMultipartUpload: async () =>
    (await import("./complete-multipart-upload.ts")).completeMultipartUpload,
  AbortMultipartUpload: async () =>
    (await import("./abort-multipart-upload.ts")).abortMultipartUpload,
  ListParts: async () => (await import("./list-parts.ts")).listParts,
  ListMultipartUploads: async () =>
    (await import("./list-multipart-uploads.ts")).listMultipartUploads,
};
