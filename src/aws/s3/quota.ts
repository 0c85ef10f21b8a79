import { AwsError } from "#/model/aws-error.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { ObjectCall } from "./call.ts";

/** What calls that are under way will have put into buckets with a quota, by the bucket's id. */
const underWay = new WeakMap<ObjectStore, Map<string, { bytes: number; objects: number }>>();

/**
 * Does what puts so many bytes more into the bucket, if they fit with all that other calls are putting there: they are held for it
 * until the store counts them, or it failed. Throws "QuotaExceeded".
 */
export function withinQuota<T>(
  { bucket, store }: ObjectCall,
  moreBytes: number,
  work: () => Promise<T>,
): Promise<T> {
  const { id, quotaBytes, quotaObjects } = bucket.spec;
  if (quotaBytes === undefined && quotaObjects === undefined) return work();
  const { bytes, objects } = store.use(id);
  let buckets = underWay.get(store);
  if (!buckets) underWay.set(store, (buckets = new Map()));
  const held = buckets.get(id) ?? { bytes: 0, objects: 0 };
  if (quotaBytes !== undefined && bytes + held.bytes + moreBytes > quotaBytes)
    throw exceeded(
      `Cannot store ${moreBytes} bytes as the bucket may have ${quotaBytes}: it has ${bytes}`,
    );
  if (quotaObjects !== undefined && objects + held.objects + 1 > quotaObjects)
    throw exceeded(`Cannot store another object as the bucket may have ${quotaObjects}`);
  held.bytes += moreBytes;
  held.objects += 1;
  buckets.set(id, held);
  return work().finally(() => {
    held.bytes -= moreBytes;
    held.objects -= 1;
    if (held.objects === 0 && buckets.get(id) === held) buckets.delete(id);
  });
}

const exceeded = (message: string) => new AwsError("QuotaExceeded", 403, message);
