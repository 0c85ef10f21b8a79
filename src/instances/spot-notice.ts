import { limits } from "#/base/limits.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { SpotRequestRecord, SpotRequestStatus } from "#/model/spot-request.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "./decisions.ts";
import { spentSoFar } from "./spent.ts";
import { countSpotUse } from "./spot-advice.ts";

/** Why a spot instance is taken away: it costs more than it may, or one on demand needs its room. */
export type Interruption = "price" | "capacity";

/** Tells a spot instance two minutes ahead that it will be taken away: its metadata say so from now on. */
export function giveNotice(
  tx: Transaction,
  instance: InstanceRecord,
  { now, cause, why }: { now: number; cause: Interruption; why: string },
): void {
  const { onInterruption, request } = instance.spec.market!;
  const interruptionAt = now + limits.spotNoticeMs;
  tx.put<"instance">({
    ...instance,
    status: { ...instance.status, interruptionAt, interruption: cause },
  });
  const asker = tx.get("spot-request", request);
  if (asker?.status.state === "active") {
    const code = onInterruption === "terminate" ? "marked-for-termination" : "marked-for-stop";
    const message = `Your Spot instance is marked for interruption at ${timeOf(interruptionAt)}.`;
    tx.put<"spot-request">({ ...asker, status: { ...asker.status, code, message, since: now } });
  }
  decide(tx, instance, {
    at: now,
    action: "warn",
    what: `told it that it will ${onInterruption} at ${timeOf(interruptionAt)}`,
    why: [why],
    flip:
      cause === "price"
        ? "a higher maximum price, or an on-demand instance"
        : "an on-demand instance, or more machines",
  });
}

/** Its notice is over: it goes, and its request says so. */
export function takeAway(tx: Transaction, instance: InstanceRecord, now: number): void {
  const { onInterruption, request } = instance.spec.market!;
  const { interruption = "price" } = instance.status;
  const isEnd = onInterruption === "terminate";
  tx.put<"instance">({
    ...instance,
    spec: {
      ...instance.spec,
      wanted: isEnd ? "terminated" : "stopped",
      ...(onInterruption === "hibernate" && { hibernates: true }),
    },
    status: {
      ...instance.status,
      ...spentSoFar(instance, now),
      state: isEnd ? "shutting-down" : "stopping",
      since: now,
      reason: reasonOf(isEnd, interruption),
    },
  });
  const asker = tx.get("spot-request", request);
  if (asker?.status.state === "active")
    tx.put<"spot-request">({ ...asker, status: interrupted(asker, { isEnd, interruption, now }) });
  countSpotUse(tx, instance.spec.type, "taken", now);
  decide(tx, instance, {
    at: now,
    action: "end",
    what: `let it ${onInterruption}`,
    why: [`it was told ${limits.spotNoticeMs / 1000} s before`],
  });
}

const timeOf = (at: number) => new Date(at).toISOString();

/** In EC2's codes, with what it was here. */
function reasonOf(isEnd: boolean, interruption: Interruption): { code: string; message: string } {
  const code = isEnd ? "Server.SpotInstanceTermination" : "Server.SpotInstanceShutdown";
  const why =
    interruption === "price"
      ? "its price is over its maximum"
      : "on-demand instances need its room";
  return { code, message: `${code}: Spot instance interruption: ${why}` };
}

function interrupted(
  { spec, status }: SpotRequestRecord,
  { isEnd, interruption, now }: { isEnd: boolean; interruption: Interruption; now: number },
): SpotRequestStatus {
  const by = interruption === "price" ? "by-price" : "no-capacity";
  const message =
    interruption === "price"
      ? "Your Spot instance was interrupted, as its price is over your maximum."
      : "Your Spot instance was interrupted, as on-demand instances need its room.";
  const told = { message, since: now };
  if (!isEnd) return { ...status, ...told, state: "disabled", code: `instance-stopped-${by}` };
  const code = `instance-terminated-${by}`;
  if (spec.type === "one-time") return { ...status, ...told, state: "closed", code };
  const { instance: _gone, ...kept } = status;
  return { ...kept, ...told, state: "open", code };
}
