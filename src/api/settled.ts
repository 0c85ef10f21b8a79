import type { Clock } from "#/base/clock.ts";
import { CanopyError, type ErrorCode } from "#/base/errors.ts";
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
export async function settled(parts: SettledParts): Promise<void> {
  await written(parts);
  if (parts.standing.isLeading) await sure(parts);
}

/** Refusals that tell of the state of things; the others are about the call itself, or say that nothing can be written. */
const telling = new Set<ErrorCode>(["not-found", "conflict", "infeasible", "limited"]);

/** Throws on what a call threw. A refusal tells of what is, and so of what must be on disk, no less than an answer does. */
export async function refuse(parts: SettledParts, thrown: unknown): Promise<never> {
  if (thrown instanceof CanopyError && telling.has(thrown.code)) await settled(parts);
  throw thrown;
}

interface SettledParts {
  space: Space;
  clock: Clock;
  standing: Standing;
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
