import { CanopyError } from "#/base/errors.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { Buckets } from "#/objects/buckets.ts";

/** A bucket of the project. Throws "not-found", for one of another project too. */
export function findBucket(buckets: Buckets, name: string, project: string): BucketRecord {
  const bucket = buckets.find(name);
  if (bucket?.project === project) return bucket;
  throw new CanopyError(
    "not-found",
    `Cannot find the bucket '${name}' in the project '${project}'`,
    { hint: "canopy bucket list" },
  );
}
