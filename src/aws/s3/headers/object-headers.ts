import type { IncomingHttpHeaders } from "node:http";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ObjectHeaders } from "#/objects/object-version.ts";
import { invalidArgument } from "../errors.ts";

const kept: [header: string, name: keyof Omit<ObjectHeaders, "metadata">][] = [
  ["content-type", "contentType"],
  ["cache-control", "cacheControl"],
  ["content-disposition", "contentDisposition"],
  ["content-encoding", "contentEncoding"],
  ["content-language", "contentLanguage"],
  ["expires", "expires"],
  ["x-amz-website-redirect-location", "websiteRedirectLocation"],
];

const prefix = "x-amz-meta-";

/** What an object keeps of the headers that it came with. Throws "MetadataTooLarge", "InvalidRedirectLocation". */
export function objectHeaders(headers: IncomingHttpHeaders): ObjectHeaders {
  const found: ObjectHeaders = {};
  for (const [header, name] of kept) {
    const value = headers[header];
    if (typeof value === "string" && value !== "") found[name] = fromWire(value);
  }
  if (found.contentEncoding !== undefined) {
    const rest = withoutChunked(found.contentEncoding);
    if (rest === "") delete found.contentEncoding;
    else found.contentEncoding = rest;
  }
  const redirect = found.websiteRedirectLocation;
  if (redirect !== undefined) checkRedirect(redirect);
  const metadata = metadataOf(headers);
  if (metadata !== undefined) found.metadata = metadata;
  return found;
}

/** "aws-chunked" tells how the body travels, not what the object is. */
const withoutChunked = (encoding: string): string =>
  encoding.includes("aws-chunked")
    ? encoding
        .split(",")
        .filter((one) => one.trim() !== "aws-chunked" && one.trim() !== "")
        .join(",")
        .trim()
    : encoding;

function metadataOf(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  let metadata: Record<string, string> | undefined;
  let size = 0;
  for (const header in headers) {
    if (!header.startsWith(prefix)) continue;
    const name = header.slice(prefix.length);
    const value = fromWire(String(headers[header] ?? ""));
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
    metadata ??= {};
    Object.defineProperty(metadata, name, {
      value: decodeWord(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (size > limits.objectMetadataBytesMax)
    throw new AwsError(
      "MetadataTooLarge",
      400,
      "Your metadata headers exceed the maximum allowed metadata size",
      { fields: { Size: String(size), MaxSizeAllowed: String(limits.objectMetadataBytesMax) } },
    );
  return metadata;
}

/** Headers come as Latin-1: what was UTF-8 is read as such. */
export function fromWire(value: string): string {
  for (let index = 0; index < value.length; index++)
    if (value.charCodeAt(index) > 127) {
      const bytes = Buffer.from(value, "latin1");
      const text = bytes.toString("utf8");
      return text.includes("\ufffd") ? value : text;
    }
  return value;
}

/** A value as a header can carry it: by RFC 2047 where it is more than ASCII, as S3 does. */
export function toWire(value: string): string {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code > 126 || (code < 32 && code !== 9))
      return `=?UTF-8?B?${Buffer.from(value).toString("base64")}?=`;
  }
  return value;
}

/** What a client wrote by RFC 2047, in one word. */
function decodeWord(value: string): string {
  const match = /^=\?utf-8\?([bq])\?([^?]*)\?=$/i.exec(value);
  if (!match) return value;
  const [, form = "", text = ""] = match;
  if (form.toLowerCase() === "b") return Buffer.from(text, "base64").toString();
  const bytes = text
    .replaceAll("_", " ")
    .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** One that is not among the classes is refused with "InvalidStorageClass". */
export function storageClassOf(headers: IncomingHttpHeaders): string {
  const asked = headers["x-amz-storage-class"];
  if (asked === undefined || asked === "STANDARD") return "STANDARD";
  if (typeof asked === "string" && storageClasses.has(asked)) return asked;
  throw new AwsError("InvalidStorageClass", 400, "The storage class you specified is not valid", {
    fields: { StorageClassRequested: String(asked) },
  });
}

const storageClasses = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "GLACIER_IR",
  "DEEP_ARCHIVE",
]);

/** "COPY" unless said otherwise. Throws "InvalidArgument". */
export function directive(
  headers: IncomingHttpHeaders,
  name: "x-amz-metadata-directive" | "x-amz-tagging-directive",
): "COPY" | "REPLACE" {
  const asked = headers[name];
  if (asked === undefined || asked === "COPY") return "COPY";
  if (asked === "REPLACE") return asked;
  const what = name === "x-amz-metadata-directive" ? "metadata" : "tagging";
  throw invalidArgument(`Unknown ${what} directive.`, name, String(asked));
}

const redirectBytesMax = 2048;

function checkRedirect(location: string): void {
  const fault = !/^(\/|https?:\/\/)/.test(location)
    ? "must have a prefix of 'http://' or 'https://' or '/'."
    : Buffer.byteLength(location) > redirectBytesMax
      ? `cannot exceed ${redirectBytesMax} bytes.`
      : undefined;
  if (fault !== undefined)
    throw new AwsError("InvalidRedirectLocation", 400, `The website redirect location ${fault}`);
}
