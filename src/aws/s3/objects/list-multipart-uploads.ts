import { sendXml } from "../answer.ts";
import { operation, parameter } from "../call.ts";
import { element, xmlDocument, xmlTime } from "../xml/write.ts";
import { commonPrefixes, ownerWriter, readListCall } from "./listing.ts";

export const listMultipartUploads = operation(async (call) => {
  const asked = readListCall(call, "ListBucketMultipartUploads", "max-uploads");
  const { prefix, delimiter, max, text } = asked;
  const keyMarker = parameter(call, "key-marker") ?? "";
  const uploadMarker = parameter(call, "upload-id-marker") ?? "";
  const page =
    max === 0
      ? { uploads: [], commonPrefixes: [] }
      : await call.store.listUploads(call.bucket.spec.id, {
          prefix,
          ...(delimiter !== undefined && { delimiter }),
          ...(keyMarker !== "" && { after: keyMarker }),
          ...(keyMarker !== "" && uploadMarker !== "" && { afterUploadId: uploadMarker }),
          max,
        });
  const { next } = page as { next?: { after: string; afterUploadId: string } };
  const owner = ownerWriter(call);
  const initiator = ownerWriter(call, "Initiator");
  sendXml(
    call,
    xmlDocument(
      "ListMultipartUploadsResult",
      element("Bucket", call.bucket.name) +
        element("KeyMarker", text(keyMarker)) +
        element("UploadIdMarker", uploadMarker) +
        element("NextKeyMarker", next ? text(next.after) : "") +
        element("NextUploadIdMarker", next?.afterUploadId ?? "") +
        element("Prefix", text(prefix)) +
        element("Delimiter", delimiter === undefined ? undefined : text(delimiter)) +
        element("MaxUploads", max) +
        (asked.isUrlEncoded ? element("EncodingType", "url") : "") +
        element("IsTruncated", next !== undefined) +
        page.uploads
          .map(
            (upload) =>
              `<Upload>${element("Key", text(upload.key))}${element("UploadId", upload.uploadId)}${initiator(upload.ownerId)}${owner(upload.ownerId)}${element("StorageClass", upload.storageClass)}${element("Initiated", xmlTime(upload.startedMs))}${element("ChecksumAlgorithm", upload.checksum?.algorithm)}${element("ChecksumType", upload.checksum?.type)}</Upload>`,
          )
          .join("") +
        commonPrefixes(page.commonPrefixes, text),
    ),
  );
});
