import { messageOf } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import type { Buckets } from "#/objects/buckets.ts";

/** Ends what a crash left half done: buckets that are marked as being deleted go, or are there again when they hold something. */
export async function finishRemovals({
  buckets,
  log,
}: {
  buckets: Buckets;
  log: Log;
}): Promise<void> {
  const marked = [...buckets.all()].filter(({ status }) => status.isDeleting);
  for (const bucket of marked) {
    await buckets.finishRemoving(bucket).catch((thrown: unknown) => {
      log.warn(`the bucket ${bucket.name} was being deleted, and is there again`, {
        error: messageOf(thrown),
      });
    });
  }
}
