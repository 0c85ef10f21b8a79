import { limits } from "#/base/limits.ts";
import type { Checksum, ObjectHeaders, ObjectVersion } from "#/objects/object-version.ts";
import { newHeaders, sendXml, versionHeader } from "../answer.ts";
import { operation, type ObjectCall } from "../call.ts";
import { copiedSource, type CopiedSource } from "../copied-source.ts";
import { invalidRequest } from "../errors.ts";
import { parseCopySource } from "../headers/copy-source.ts";
import { algorithmNamed } from "../headers/checksums.ts";
import { writeCondition } from "../headers/conditions.ts";
import { newEncryptionHeaders, wantedEncryption } from "../headers/encryption.ts";
import { directive, objectHeaders } from "../headers/object-headers.ts";
import { newKey } from "../keys.ts";
import { givingUp } from "../giving-up.ts";
import { demand } from "../permission.ts";
import { withinQuota } from "../quota.ts";
import { tagConditions, writeConditions } from "../write-conditions.ts";
import { element, xmlDocument, xmlTime } from "../xml/write.ts";
import { demandWrite, placedOf, standardChecksum, tagsSaid } from "./new-object.ts";
import { requireRoomToTell, tell } from "../tell.ts";
import { expirationHeader } from "../expiration.ts";

export const copyObject = operation(async (call) => {
  const { headers: asked, bucket } = call;
  const from = parseCopySource(String(asked["x-amz-copy-source"]));
  const metadataDirective = directive(asked, "x-amz-metadata-directive");
  const taggingDirective = directive(asked, "x-amz-tagging-directive");
  const takesTags = taggingDirective === "COPY";
  const condition = writeCondition(asked);
  const wanted = wantedEncryption(asked, bucket.spec);
  demandWrite(call);
  const placed = placedOf(call);
  const algorithm = asked["x-amz-checksum-algorithm"];
  const source = await copiedSource(call, from, { takesTags });
  const { found } = source;
  if (takesTags && found.tags) demandTags(call, found.tags);
  if (isSame(call, source) && metadataDirective === "COPY" && !changes(call, found))
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  if (found.sizeBytes > limits.objectPutBytesMax)
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${limits.objectPutBytesMax}`,
    );
  requireRoomToTell(call, "ObjectCreated:Copy");
  const encryption = await newKey(call, wanted);
  const tags = takesTags ? found.tags : tagsSaid(call);
  const about = metadataDirective === "COPY" ? headersOf(found, asked) : objectHeaders(asked);
  const options = {
    ...about,
    ...placed,
    ...(tags && { tags }),
    versioning: call.context.parts.buckets.versioningOf(bucket),
    sizeBytes: found.sizeBytes,
    checksum: {
      algorithm:
        algorithm === undefined
          ? (found.checksum?.algorithm ?? standardChecksum.algorithm)
          : algorithmNamed(String(algorithm), "x-amz-checksum-algorithm"),
    },
    ...(condition && { condition }),
    ...(encryption && { encryption }),
  };
  const { version } = await withinQuota(call, found.sizeBytes, async () => {
    const bytes = await call.store.read(source.place, found, {
      ...(source.key && { key: source.key }),
    });
    return givingUp(bytes, (read) => call.store.put(call.place, read, options));
  });
  await tell(call, "ObjectCreated:Copy", version);
  const headers = newHeaders(call);
  if (source.bucket.spec.versioning !== "off")
    headers["x-amz-copy-source-version-id"] = found.versionId;
  newEncryptionHeaders(headers, version.encryption);
  versionHeader(headers, call, version.versionId);
  expirationHeader(headers, call, version);
  sendXml(call, copyResult("CopyObjectResult", version), headers);
});

/** That the caller may put the tags that come with the source. Throws "AccessDenied". */
function demandTags(call: ObjectCall, tags: Record<string, string>): void {
  const { "x-amz-tagging": _notTaken, ...headers } = call.headers;
  demand(call, "PutObjectTagging", { ...writeConditions(headers), ...tagConditions(tags) });
}

/** What a copy is told as, of an object or of a part. */
export function copyResult(
  root: "CopyObjectResult" | "CopyPartResult",
  made: { modifiedMs: number; etag: string; checksum?: Checksum },
): string {
  return xmlDocument(
    root,
    element("LastModified", xmlTime(made.modifiedMs)) +
      element("ETag", `"${made.etag}"`) +
      (root === "CopyObjectResult" ? element("ChecksumType", made.checksum?.type) : "") +
      checksumElement(made.checksum),
  );
}

export function checksumElement(checksum: Checksum | undefined): string {
  if (!checksum) return "";
  return element(`Checksum${checksum.algorithm}`, checksum.value);
}

const isSame = ({ place, key }: ObjectCall, source: CopiedSource): boolean =>
  source.place.bucket === place.bucket &&
  source.place.key === key &&
  (source.versionId === undefined || source.found.isLatest);

/** Whether a copy onto itself makes something else of an object. */
function changes({ headers }: ObjectCall, found: ObjectVersion): boolean {
  const redirect = headers["x-amz-website-redirect-location"];
  return (
    (headers["x-amz-storage-class"] !== undefined &&
      headers["x-amz-storage-class"] !== found.storageClass) ||
    (redirect !== undefined && redirect !== found.websiteRedirectLocation) ||
    headers["x-amz-server-side-encryption"] !== undefined ||
    headers["x-amz-server-side-encryption-customer-algorithm"] !== undefined ||
    headers["x-amz-checksum-algorithm"] !== undefined
  );
}

/** Where a website leads to is never copied. */
function headersOf(found: ObjectVersion, asked: ObjectCall["headers"]): ObjectHeaders {
  const kept: ObjectHeaders = {};
  for (const name of [
    "contentType",
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "expires",
  ] as const) {
    const value = found[name];
    if (value !== undefined) kept[name] = value;
  }
  if (found.metadata) kept.metadata = found.metadata;
  const redirect = asked["x-amz-website-redirect-location"];
  if (typeof redirect === "string") kept.websiteRedirectLocation = redirect;
  return kept;
}
