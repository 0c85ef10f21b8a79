import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";
import { sendXml } from "../answer.ts";
import { operation, parameter } from "../call.ts";
import { invalidArgument } from "../errors.ts";
import { element, xmlDocument, xmlTime } from "../xml/write.ts";
import { commonPrefixes, ownerWriter, pageOf, readListCall } from "./listing.ts";

export const listObjectVersions = operation(async (call) => {
  const asked = readListCall(call, "ListBucketVersions");
  const { prefix, delimiter, max, text } = asked;
  const keyMarker = parameter(call, "key-marker") ?? "";
  const versionMarker = parameter(call, "version-id-marker");
  if (versionMarker !== undefined && versionMarker !== "" && keyMarker === "")
    throw invalidArgument(
      "A version-id marker cannot be specified without a key marker.",
      "version-id-marker",
      versionMarker,
    );
  const { store, bucket } = call;
  const page = await pageOf(asked, keyMarker, (wanted) =>
    store.listVersions(bucket.spec.id, {
      ...wanted,
      ...(versionMarker !== undefined && versionMarker !== "" && { afterVersionId: versionMarker }),
    }),
  );
  const owner = ownerWriter(call);
  const { next } = page;
  sendXml(
    call,
    xmlDocument(
      "ListVersionsResult",
      element("Name", bucket.name) +
        element("Prefix", text(prefix)) +
        element("KeyMarker", text(keyMarker)) +
        element("VersionIdMarker", versionMarker ?? "") +
        element("NextKeyMarker", next && text(next.after)) +
        element("NextVersionIdMarker", next?.afterVersionId) +
        element("MaxKeys", max) +
        element("Delimiter", delimiter === undefined ? undefined : text(delimiter)) +
        (asked.isUrlEncoded ? element("EncodingType", "url") : "") +
        element("IsTruncated", next !== undefined) +
        page.entries.map((found) => entryOf(found, text, owner(found.ownerId))).join("") +
        commonPrefixes(page.commonPrefixes, text),
    ),
  );
});

function entryOf(
  found: ObjectVersion | DeleteMarker,
  text: (key: string) => string,
  owner: string,
): string {
  const head =
    element("Key", text(found.key)) +
    element("VersionId", found.versionId) +
    element("IsLatest", found.isLatest) +
    element("LastModified", xmlTime(found.modifiedMs));
  if ("isDeleteMarker" in found) return `<DeleteMarker>${head}${owner}</DeleteMarker>`;
  const { checksum } = found;
  return `<Version>${head}${element("ETag", `"${found.etag}"`)}${element("ChecksumAlgorithm", checksum?.algorithm)}${element("ChecksumType", checksum?.type)}${element("Size", found.sizeBytes)}${element("StorageClass", found.storageClass)}${owner}</Version>`;
}
