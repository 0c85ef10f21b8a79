import type { ObjectVersion } from "#/objects/object-version.ts";
import { newHeaders, sendXml, versionHeader } from "../answer.ts";
import { operation, versionIdOf, type ObjectCall } from "../call.ts";
import { accessDenied, invalidArgument, invalidRequest } from "../errors.ts";
import { customerKey, openedBy } from "../headers/encryption.ts";
import { mayDo } from "../permission.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { checksumElement } from "./copy-object.ts";
import { pageSize } from "./pages.ts";
import { findReadable } from "./read-object.ts";

const known = new Set(["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]);

export const getObjectAttributes = operation(async (call) => {
  const { headers: asked } = call;
  const versionId = versionIdOf(call);
  const wanted = String(asked["x-amz-object-attributes"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (wanted.length === 0)
    throw invalidRequest(
      "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
    );
  const unknown = wanted.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", unknown);
  const found = await findReadable(call, versionId, "GET", "GetObjectAttributes");
  const action = versionId === undefined ? "GetObject" : "GetObjectVersion";
  if (!mayDo(call.context, call.bucket, action, call.key, { found, versionId }))
    throw accessDenied();
  openedBy(found.encryption, customerKey(asked));
  const has = new Set(wanted);
  const headers = newHeaders(call);
  headers["last-modified"] = new Date(found.modifiedMs).toUTCString();
  versionHeader(headers, call, found.versionId);
  sendXml(
    call,
    xmlDocument(
      "GetObjectAttributesResponse",
      (has.has("ETag") ? element("ETag", found.etag) : "") +
        (has.has("Checksum") && found.checksum
          ? `<Checksum>${checksumElement(found.checksum)}${element("ChecksumType", found.checksum.type)}</Checksum>`
          : "") +
        (has.has("ObjectParts") ? partsOf(call, found) : "") +
        (has.has("StorageClass") ? element("StorageClass", found.storageClass) : "") +
        (has.has("ObjectSize") ? element("ObjectSize", found.sizeBytes) : ""),
    ),
    headers,
  );
});

/** Of objects that came in parts. The parts themselves are told where each has a checksum of its own. */
function partsOf({ headers }: ObjectCall, { parts, checksum }: ObjectVersion): string {
  if (!parts || parts.length === 0) return "";
  const total = element("PartsCount", parts.length);
  if (checksum?.type !== "COMPOSITE") return `<ObjectParts>${total}</ObjectParts>`;
  const max = pageSize(textOf(headers["x-amz-max-parts"]), "x-amz-max-parts");
  const marker = textOf(headers["x-amz-part-number-marker"]) ?? "0";
  if (!/^\d{1,9}$/.test(marker))
    throw invalidArgument(
      "Argument partNumberMarker must be an integer.",
      "x-amz-part-number-marker",
      marker,
    );
  const after = parts.filter(({ number }) => number > Number(marker));
  const page = after.slice(0, max);
  return `<ObjectParts>${total}${element("PartNumberMarker", Number(marker))}${element("NextPartNumberMarker", page.at(-1)?.number ?? 0)}${element("MaxParts", max)}${element("IsTruncated", after.length > page.length)}${page
    .map(
      (part) =>
        `<Part>${element("PartNumber", part.number)}${element("Size", part.sizeBytes)}${checksumElement(part.checksum)}</Part>`,
    )
    .join("")}</ObjectParts>`;
}

const textOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;
