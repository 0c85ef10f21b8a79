import type { IncomingHttpHeaders } from "node:http";
import { parseCopySource } from "./headers/copy-source.ts";
import { parseTagging } from "./headers/tags.ts";

const looked = [
  "x-amz-acl",
  "x-amz-copy-source",
  "x-amz-grant-full-control",
  "x-amz-grant-read",
  "x-amz-grant-read-acp",
  "x-amz-grant-write",
  "x-amz-grant-write-acp",
  "x-amz-metadata-directive",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-storage-class",
  "x-amz-website-redirect-location",
] as const;

const locks = {
  "x-amz-object-lock-mode": "s3:object-lock-mode",
  "x-amz-object-lock-retain-until-date": "s3:object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold": "s3:object-lock-legal-hold",
} as const;

const dayMs = 86_400_000;

/** What policies may look at of a retention: how long it will be, in days that have begun. */
export function remainingDays(untilMs: number, nowMs: number): Record<string, string> {
  return {
    "s3:object-lock-remaining-retention-days": String(Math.ceil((untilMs - nowMs) / dayMs)),
  };
}

/** What policies may look at of tags that are put. */
export function tagConditions(tags: Record<string, string>): Record<string, string | string[]> {
  return {
    "s3:RequestObjectTagKeys": Object.keys(tags),
    ...Object.fromEntries(
      Object.entries(tags).map(([name, value]) => [`s3:RequestObjectTag/${name}`, value]),
    ),
  };
}

/**
 * The source of a copy as policies name it: "bucket/key", and its version where one is asked for. A header may have a slash before
 * and anything percent-encoded, and no policy is to be passed so.
 */
function nameOfSource(header: string): string {
  try {
    const { bucket, key, versionId } = parseCopySource(header);
    return `${bucket}/${key}${versionId === undefined ? "" : `?versionId=${versionId}`}`;
  } catch {
    return header; // what cannot be read is refused where it is read
  }
}

/** What policies may look at of a write: "s3:x-amz-acl", "s3:RequestObjectTag/…", "s3:if-none-match". */
export function writeConditions(
  headers: IncomingHttpHeaders,
  more?: Record<string, string>,
): Record<string, string | string[]> | undefined {
  let found: Record<string, string | string[]> | undefined = more && { ...more };
  const add = (name: string, value: string | string[]) => {
    found ??= {};
    found[name] = value;
  };
  for (const name of looked) {
    const value = headers[name];
    if (typeof value === "string")
      add(`s3:${name}`, name === "x-amz-copy-source" ? nameOfSource(value) : value);
  }
  for (const [header, name] of Object.entries(locks)) {
    const value = headers[header];
    if (typeof value === "string") add(name, value);
  }
  if (headers["if-match"] !== undefined) add("s3:if-match", headers["if-match"]);
  if (headers["if-none-match"] !== undefined) add("s3:if-none-match", headers["if-none-match"]);
  const tagging = headers["x-amz-tagging"];
  if (typeof tagging === "string") {
    const conditions = tagConditions(parseTagging(tagging) ?? {});
    for (const name in conditions) add(name, conditions[name]!);
  }
  return found;
}
