import type { IncomingMessage } from "node:http";
import type { Access } from "#/access/access.ts";
import { within, type Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Caller } from "#/model/access.ts";
import type { Standing } from "#/space/leadership.ts";
import { callerOf } from "./authenticate.ts";

interface Parts {
  standing: Standing;
  clock: Clock;
}

/**
 * Whether this control plane answers a call itself: the leader each, as long as it is sure to lead; a
 * follower those that records alone answer, once it has read to the end of the log. So whoever asks,
 * and wherever, sees all that was acknowledged to anyone before. Throws "unavailable" when a leader
 * does not become sure.
 */
export async function answersHere(parts: Parts, isForAny: boolean): Promise<boolean> {
  const { standing, clock } = parts;
  if (standing.isLeading) {
    await sure(parts);
    return true;
  }
  if (!isForAny) return false;
  return (await within(clock, limits.catchUpMs, hasCaughtUp(standing))) === true;
}

/** Resolves when no other can lead: at once, but after a pause or while the log is not reached. Throws "unavailable" when this one leads no more, or that takes too long. */
export async function sure({ standing, clock }: Parts): Promise<void> {
  if (standing.isSure) return;
  const untilMs = clock.monotonicMs() + limits.leaderWaitMs;
  while (standing.isLeading) {
    if (standing.isSure) return;
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) break;
    await within(clock, leftMs, standing.changed());
  }
  throw new CanopyError(
    "unavailable",
    "Cannot answer as this control plane is not sure that it leads",
    { retryAfterMs: 1000 },
  );
}

/** Who calls. A key that a follower does not know may be a new one: it looks into the log first. Throws "unavailable" when it cannot. */
export async function knownCaller(
  request: Pick<IncomingMessage, "headers">,
  { access, standing, clock }: Parts & { access: Access },
): Promise<Caller> {
  try {
    return callerOf(request, access);
  } catch (thrown) {
    if (standing.isLeading) throw thrown;
    if ((await within(clock, limits.catchUpMs, hasCaughtUp(standing))) !== true)
      throw new CanopyError(
        "unavailable",
        "Cannot tell whose key this is as the newest ones cannot be read at this moment",
        { retryAfterMs: 1000 },
      );
    return callerOf(request, access);
  }
}

async function hasCaughtUp(standing: Standing): Promise<boolean> {
  try {
    await standing.catchUp();
    return true;
  } catch {
    return false;
  }
}
