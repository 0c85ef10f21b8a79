import { CanopyError } from "#/base/errors.ts";

/** Where an object is; `key` may be empty, or the beginning of keys. */
export interface ObjectName {
  bucket: string;
  key: string;
}

const scheme = "s3://";

/** Whether a word names something in buckets, and not on this computer's disk. */
export function isObjectName(word: string): boolean {
  return word.startsWith(scheme);
}

/** Reads "s3://bucket/key" or "bucket/key". Throws CanopyError "invalid". */
export function parseObjectName(word: string): ObjectName {
  const name = isObjectName(word) ? word.slice(scheme.length) : word;
  const slash = name.indexOf("/");
  const bucket = slash < 0 ? name : name.slice(0, slash);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new CanopyError(
      "invalid",
      `Cannot use the bucket '${bucket}' as its name must have 3 to 63 lower-case letters, digits, dots or hyphens`,
      { hint: "Write it like s3://bucket/key; all buckets: canopy objects ls" },
    );
  }
  return { bucket, key: slash < 0 ? "" : name.slice(slash + 1) };
}

/** The same with a key. Throws CanopyError "invalid" where there is none. */
export function parseObject(word: string): ObjectName {
  const name = parseObjectName(word);
  if (name.key !== "" && !name.key.endsWith("/")) return name;
  throw new CanopyError("invalid", `Cannot tell which object is meant by '${word}'`, {
    hint: `Write it like s3://${name.bucket}/key; what there is: canopy objects ls s3://${name.bucket}`,
  });
}

export function formatObjectName({ bucket, key }: ObjectName): string {
  return `${scheme}${bucket}/${key}`;
}
