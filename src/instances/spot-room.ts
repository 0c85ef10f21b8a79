import { limits } from "#/base/limits.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { decide } from "./decisions.ts";
import { giveNotice } from "./spot-notice.ts";

/**
 * Spot instances that may be told to go, by machine: those that lose the least first, who have run for the shortest time. One that
 * was told already makes room for somebody else, or goes by its price.
 */
export function leaversOf(space: Pick<Space, "all">): Map<string, InstanceRecord[]> {
  const leavers = new Map<string, InstanceRecord[]>();
  for (const record of space.all("instance")) {
    const { machine, state, interruptionAt, move } = record.status;
    if (!record.spec.market || record.spec.wanted !== "running" || machine === undefined) continue;
    if (interruptionAt !== undefined || move || (state !== "running" && state !== "pending"))
      continue;
    leavers.set(machine, [...(leavers.get(machine) ?? []), record]);
  }
  const begun = ({ status }: InstanceRecord) => status.startedAt ?? Infinity;
  for (const all of leavers.values()) all.sort((a, b) => begun(b) - begun(a));
  return leavers;
}

/** Tells spot instances to go. What an instance that has their room waits for until they have. */
export function makeRoom(
  tx: Transaction,
  going: readonly InstanceRecord[],
  now: number,
): { waitsFor: { instances: string[]; until: number } } {
  for (const { name } of going) {
    const leaver = tx.get("instance", name)!;
    giveNotice(tx, leaver, {
      now,
      cause: "capacity",
      why: "an instance on demand was launched, and no machine has room for it else",
    });
  }
  const instances = going.map(({ name }) => name);
  return { waitsFor: { instances, until: now + limits.spotNoticeMs } };
}

/** Writes down, beside an instance, why it has the room of others. */
export function sayRoomMade(
  tx: Transaction,
  record: InstanceRecord,
  { machine, count, now }: { machine: string; count: number; now: number },
): void {
  decide(tx, record, {
    at: now,
    action: "hold",
    subject: machine,
    what: `lets it wait up to ${limits.spotNoticeMs / 1000} s for room on ${machine}`,
    why: [
      "no machine had room for it",
      `${count === 1 ? "a spot instance" : `${count} spot instances`} there may be taken away for one on demand, and ${count === 1 ? "was" : "were"} told so`,
    ],
    flip: "as a spot instance it would have been refused",
  });
}

/** Those that one waits for and that are there still. */
export function stillThere(
  space: Pick<Space, "get">,
  { status: { waitsFor, machine } }: InstanceRecord,
): string[] {
  return (waitsFor?.instances ?? []).filter((name) => {
    const leaver = space.get("instance", name)?.status;
    if (leaver?.machine !== machine) return false;
    return leaver?.state !== "stopped" && leaver?.state !== "terminated";
  });
}
