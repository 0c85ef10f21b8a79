import { canonicalUserIdOf } from "#/model/account.ts";
import type { ListAsked, Listed } from "#/objects/object-store.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import { parameter, type ObjectCall } from "../call.ts";
import { accessDenied, invalidArgument } from "../errors.ts";
import { mayDoToBucket } from "../permission.ts";
import { escapeXml } from "../../xml/escape.ts";
import { element, urlEncoded, xmlTime } from "../xml/write.ts";
import { pageSize } from "./pages.ts";

/** What all lists are asked: read once, allowed once. */
export interface ListCall {
  prefix: string;
  /** Undefined for none: an empty one is none. */
  delimiter: string | undefined;
  max: number;
  isUrlEncoded: boolean;
  /** A name of a key, or what keys begin with, as the client wants it. */
  text(key: string): string;
}

/** Throws "AccessDenied", "InvalidArgument". */
export function readListCall(
  call: ObjectCall,
  action: "ListBucket" | "ListBucketVersions" | "ListBucketMultipartUploads",
  maxName: "max-keys" | "max-uploads" = "max-keys",
): ListCall {
  const prefix = parameter(call, "prefix");
  const delimiter = parameter(call, "delimiter");
  const max = parameter(call, maxName);
  const conditions = {
    "s3:prefix": prefix ?? "",
    ...(delimiter !== undefined && { "s3:delimiter": delimiter }),
    ...(max !== undefined && { "s3:max-keys": max }),
  };
  if (!mayDoToBucket(call.context, call.bucket, action, conditions)) throw accessDenied();
  const encoding = parameter(call, "encoding-type");
  if (encoding !== undefined && encoding !== "url")
    throw invalidArgument(
      "Invalid Encoding Method specified in Request",
      "encoding-type",
      encoding,
    );
  return {
    prefix: prefix ?? "",
    delimiter: delimiter === "" ? undefined : delimiter,
    max: pageSize(max, maxName),
    isUrlEncoded: encoding === "url",
    text: encoding === "url" ? urlEncoded : (key) => key,
  };
}

const nothing: Listed<never> = { entries: [], commonPrefixes: [] };

/** A page of a list; one of none is not looked for. */
export async function pageOf<Entry>(
  { prefix, delimiter, max }: ListCall,
  after: string,
  list: (asked: ListAsked) => Promise<Listed<Entry>>,
): Promise<Listed<Entry>> {
  if (max === 0) return nothing;
  return list({
    prefix,
    ...(delimiter !== undefined && { delimiter }),
    ...(after !== "" && { after }),
    max,
  });
}

/** `<Contents>` of one object. */
export function contentsOf(
  found: ObjectVersion,
  text: (key: string) => string,
  owner: string,
): string {
  const { checksum } = found;
  return `<Contents><Key>${escapeXml(text(found.key))}</Key><LastModified>${xmlTime(found.modifiedMs)}</LastModified><ETag>&quot;${found.etag}&quot;</ETag>${
    checksum
      ? `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`
      : ""
  }<Size>${found.sizeBytes}</Size>${owner}<StorageClass>${found.storageClass}</StorageClass></Contents>`;
}

/** `<Owner>` of each account, made once a list. */
export function ownerWriter(call: ObjectCall, name = "Owner"): (ownerId: string) => string {
  const known = new Map<string, string>();
  const { ownership, accountId } = call.bucket.spec;
  return (ownerId) => {
    const account = ownership === "BucketOwnerEnforced" ? accountId : ownerId;
    let owner = known.get(account);
    if (owner === undefined) {
      owner = `<${name}>${element("ID", canonicalUserIdOf(account))}</${name}>`;
      known.set(account, owner);
    }
    return owner;
  };
}

export const commonPrefixes = (
  prefixes: readonly string[],
  text: (key: string) => string,
): string =>
  prefixes
    .map((prefix) => `<CommonPrefixes>${element("Prefix", text(prefix))}</CommonPrefixes>`)
    .join("");
