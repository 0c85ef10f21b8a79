import { messageOf } from "#/base/errors.ts";
import type { RunningInstance } from "#/drivers/instance-driver.ts";
import type { InstanceOrder, MigrationOrder } from "#/model/hosting.ts";

/**
 * What an instance's machine remembers of its migrations, over the agent's lives. Each migration happens once: what was awaited by one
 * and did not come never comes by it, and what began to leave by one is never started again here, and never let go on, until either
 * it is seen to run here or the cloud says by another order that it has not left. The other machine says to the cloud how it
 * ended: it alone can let it run there.
 */
export interface KeptMoves {
  /** It is or was awaited here by that one. */
  awaited?: string;
  /** It has come by that one. */
  came?: string;
  /** It has not, and does not any more. */
  missed?: { migration: string; reason: string };
  /** It has begun to leave by that one: it may run elsewhere. */
  leaving?: string | undefined;
  /** It runs elsewhere. */
  left?: { migration: string; pauseMs: number };
  /** It does not run elsewhere, and goes on here. */
  stays?: { migration: string; reason: string };
}

/** Whether it is to come from another machine, and has not yet. */
export function isComing({ comesFrom }: InstanceOrder, moves: KeptMoves = {}): boolean {
  return comesFrom !== undefined && moves.came !== comesFrom.migration;
}

/** Throws where it was awaited before and has not come. */
export function mayStillCome({ comesFrom }: InstanceOrder, moves: KeptMoves = {}): void {
  const { missed } = moves;
  if (missed && missed.migration === comesFrom?.migration) throw new Error(missed.reason);
}

/**
 * How it is with leaving: "due" to leave, "doubtful" whether it has, "left", or it has not and the cloud knows ("over"), or there is
 * nothing to do ("none").
 */
export function departureOf(
  { goesTo, wanted }: InstanceOrder,
  moves: KeptMoves = {},
): "none" | "due" | "doubtful" | "left" | "over" {
  const migration = goesTo?.migration;
  if (moves.leaving !== undefined && moves.leaving !== migration) return "over";
  if (migration === undefined || moves.stays?.migration === migration) return "none";
  if (moves.left?.migration === migration) return "left";
  if (moves.leaving === migration) return "doubtful";
  return goesTo?.port === undefined || wanted === "stopped" ? "none" : "due";
}

/** Sends it to the machine that waits for it; gives what is known then. */
export async function goAway(
  running: RunningInstance,
  { migration, address = "", port = 0, key, sharesStorage }: MigrationOrder,
): Promise<KeptMoves> {
  try {
    const to = { address, port, key, withDisks: !sharesStorage };
    const { pauseMs } = await running.migrate!(to);
    return { leaving: undefined, left: { migration, pauseMs } };
  } catch (thrown) {
    const stands = await running.stands?.().catch(() => true);
    if (stands !== false) return {};
    return { leaving: undefined, stays: { migration, reason: messageOf(thrown) } };
  }
}
