import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { invalidArgument } from "../errors.ts";

type Tags = Record<string, string>;

/** Of the header "x-amz-tagging": a query of names and values. Throws "InvalidArgument", "InvalidTag", "BadRequest". */
export function parseTagging(header: string): Tags | undefined {
  if (header === "") return undefined;
  const pairs: [string, string][] = [];
  for (const pair of header.split("&")) {
    if (pair === "") continue;
    const cut = pair.indexOf("=");
    const name = decode(cut < 0 ? pair : pair.slice(0, cut), header);
    if (name === "") throw notEncoded(header);
    pairs.push([name, cut < 0 ? "" : decode(pair.slice(cut + 1), header)]);
  }
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw notEncoded(header);
  return checkTags(pairs);
}

/** Ten at most, names of 1 to 128 letters, values of up to 256. Throws "InvalidTag", "BadRequest". */
export function checkTags(pairs: readonly (readonly [string, string])[]): Tags {
  if (pairs.length > limits.objectTagsMax)
    throw new AwsError("BadRequest", 400, "Object tags cannot be greater than 10");
  const tags = Object.create(null) as Tags;
  for (const [name, value] of pairs) {
    if (name in tags)
      throw new AwsError("InvalidTag", 400, "Cannot provide multiple Tags with the same key", {
        fields: { TagKey: name },
      });
    if (name === "" || lengthOf(name) > 128 || !allowed.test(name) || name.startsWith("aws:"))
      throw new AwsError("InvalidTag", 400, "The TagKey you have provided is invalid", {
        fields: { TagKey: name },
      });
    if (lengthOf(value) > 256 || !allowed.test(value))
      throw new AwsError("InvalidTag", 400, "The TagValue you have provided is invalid", {
        fields: { TagKey: name, TagValue: value },
      });
    tags[name] = value;
  }
  return { ...tags };
}

/** Letters, digits and spaces of any script, and + - = . _ : / @ */
const allowed = /^[\p{L}\p{Z}\p{N}\p{M}_.:/=+\-@]*$/u;

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw notEncoded(header);
  }
}

const notEncoded = (header: string) =>
  invalidArgument(
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    "x-amz-tagging",
    header,
  );

/** In characters of Unicode, as S3 counts. */
const lengthOf = (text: string): number => Array.from(text).length;
