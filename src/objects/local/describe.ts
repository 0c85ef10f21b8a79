import type { PutOptions, Upload } from "../object-store.ts";
import type { Checksum, ObjectEncryption, ObjectHeaders, ObjectMarks } from "../object-version.ts";

type Told = ObjectHeaders & ObjectMarks & { ownerId: string; storageClass: string };

/** What is kept of a version beside its bytes, as JSON: what callers see but for its key. `versionId` is its first word. */
export function bodyOf(
  about: {
    versionId: string;
    modifiedMs: number;
    sizeBytes: number;
    etag: string;
    checksum?: Checksum | undefined;
    encryption?: ObjectEncryption | undefined;
    uploadId?: string | undefined;
  },
  told: Told,
): string {
  const { versionId, modifiedMs, sizeBytes, etag, checksum, encryption, uploadId } = about;
  const { ownerId, storageClass } = told;
  return JSON.stringify({
    versionId,
    modifiedMs,
    ownerId,
    sizeBytes,
    etag,
    checksum,
    storageClass,
    encryption,
    uploadId,
    ...toldOf(told),
  });
}

/** `uploadId` is its first word. */
export function uploadBodyOf(upload: Omit<Upload, "key">): string {
  const { uploadId, startedMs, ownerId, storageClass, checksum, encryption } = upload;
  const about = { uploadId, startedMs, ownerId, storageClass, checksum, encryption };
  return JSON.stringify({ ...about, ...toldOf(upload) });
}

/** Of a delete marker. */
export function markerBodyOf(versionId: string, modifiedMs: number, ownerId: string): string {
  return JSON.stringify({ versionId, modifiedMs, ownerId, isDeleteMarker: true });
}

function toldOf(told: (ObjectHeaders & ObjectMarks) | PutOptions): ObjectHeaders & ObjectMarks {
  return {
    contentType: told.contentType,
    cacheControl: told.cacheControl,
    contentDisposition: told.contentDisposition,
    contentEncoding: told.contentEncoding,
    contentLanguage: told.contentLanguage,
    expires: told.expires,
    websiteRedirectLocation: told.websiteRedirectLocation,
    metadata: told.metadata,
    tags: told.tags,
    retention: told.retention,
    hasLegalHold: told.hasLegalHold,
    acl: told.acl,
  };
}
