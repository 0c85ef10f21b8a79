import { within } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AwsParts } from "./parts.ts";

/**
 * Resolves when all that was read so far is on disk, and so may be told. Throws "unavailable" when that takes too long, as
 * it does while the disk is full, and when another control plane leads by now: what was read may never have been so.
 */
export async function settled({ space, clock, leader }: AwsParts): Promise<void> {
  const written = space.durable().then(() => true);
  if (!(await within(clock, limits.settleMsMax, written)))
    throw unavailable("the newest changes could not be written to disk");
  const here = leader?.answersHere() ?? true;
  if (here !== true && !(await here)) throw unavailable("another control plane leads by now");
}

function unavailable(why: string): CanopyError {
  return new CanopyError("unavailable", `Cannot answer as ${why}`, { retryAfterMs: 1000 });
}
