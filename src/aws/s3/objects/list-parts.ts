import { newHeaders, sendXml } from "../answer.ts";
import { operation, parameter } from "../call.ts";
import { invalidArgument } from "../errors.ts";
import { abortHeaders } from "../expiration.ts";
import { demand } from "../permission.ts";
import { element, xmlDocument, xmlTime } from "../xml/write.ts";
import { checksumElement } from "./copy-object.ts";
import { ownerWriter } from "./listing.ts";
import { pageSize } from "./pages.ts";
import { uploadOf } from "./upload.ts";

export const listParts = operation(async (call) => {
  demand(call, "ListMultipartUploadParts");
  const max = pageSize(parameter(call, "max-parts"), "max-parts");
  const marker = parameter(call, "part-number-marker") || "0";
  if (!/^\d{1,10}$/.test(marker))
    throw invalidArgument(
      "Argument part-number-marker must be an integer between 0 and 2147483647",
      "part-number-marker",
      marker,
    );
  const upload = await uploadOf(call);
  const { uploadId, ownerId, storageClass, checksum } = upload;
  const { parts, next } =
    max === 0
      ? { parts: [] }
      : await call.store.listParts(call.place, uploadId, { after: Number(marker), max });
  const headers = newHeaders(call);
  abortHeaders(headers, call, upload);
  sendXml(
    call,
    xmlDocument(
      "ListPartsResult",
      element("Bucket", call.bucket.name) +
        element("Key", call.key) +
        element("UploadId", uploadId) +
        ownerWriter(call, "Initiator")(ownerId) +
        ownerWriter(call)(ownerId) +
        element("StorageClass", storageClass) +
        element("PartNumberMarker", Number(marker)) +
        element("NextPartNumberMarker", parts.at(-1)?.number ?? 0) +
        element("MaxParts", max) +
        element("IsTruncated", next !== undefined) +
        // S3 has a word for none here, and nowhere else.
        element("ChecksumAlgorithm", checksum?.algorithm ?? "null") +
        element("ChecksumType", checksum?.type ?? "null") +
        parts
          .map(
            (part) =>
              `<Part>${element("PartNumber", part.number)}${element("LastModified", xmlTime(part.modifiedMs))}${element("ETag", `"${part.etag}"`)}${element("Size", part.sizeBytes)}${checksum ? checksumElement(part.checksum) : ""}</Part>`,
          )
          .join(""),
    ),
    headers,
  );
});
