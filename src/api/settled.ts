import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";
import { sure } from "./standing.ts";

/**
 * Resolves when all that was read so far is on disk, and so may be told: an answer is made first, then
 * this is awaited, then it is sent. Throws "unavailable" when that takes too long, as it does while the
 * disk is full: who asks is told so instead of waiting for ever; and when another leads by now, as then
 * what was read may never have been so.
 */
export async function settled(parts: {
  space: Space;
  clock: Clock;
  standing: Standing;
}): Promise<void> {
  await written(parts);
  if (parts.standing.isLeading) await sure(parts);
}

function written({ space, clock }: { space: Space; clock: Clock }): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(
      limits.settleMsMax,
      () =>
        reject(
          new CanopyError(
            "unavailable",
            `Cannot answer as the newest changes could not be written to disk for ${limits.settleMsMax} ms`,
            { hint: "Is the disk full? See: GET /readyz", retryAfterMs: 1000 },
          ),
        ),
      true,
    );
    void space.durable().then(() => {
      timer.cancel();
      resolve();
    });
  });
}
