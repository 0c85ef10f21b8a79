import type { GameDayRecord } from "#/model/game-day.ts";
import type { ChaosPolicy } from "#/model/policy.ts";
import { briefDuration } from "#/model/units.ts";
import type { OpenHit } from "./open-hit.ts";

/** Why a game day must stop by itself, as a sentence; undefined while all is as it should be. */
export function alarmOf(
  { project }: GameDayRecord,
  policy: ChaosPolicy | undefined,
  seen: {
    now: number;
    open: readonly OpenHit[];
    /** Tasks that failed for good by a hit of it. */
    lost: readonly string[];
    /** A job of the project that has failed since it began. */
    failedJob: string | undefined;
    connected: number;
  },
): string | undefined {
  const { now, open, lost, failedJob, connected } = seen;
  if (!policy) return `the policy of '${project}' was removed`;
  if (lost.length > 0) return `a task failed for good because of it: ${lost[0]}`;
  if (failedJob !== undefined) return `the job ${failedJob} has failed`;
  const slow = open.find(({ record }) => now - record.spec.at > policy.healMsMax);
  if (slow) {
    const { name, spec } = slow.record;
    return `the hit ${name} on ${spec.subject} has not healed for ${briefDuration(now - spec.at)}, and the policy allows ${briefDuration(policy.healMsMax)}`;
  }
  if (connected === 0 && !policy.lastMachine) return "no healthy machine is left";
  return undefined;
}
