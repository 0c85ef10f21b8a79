import type { InstanceReport } from "#/model/hosting.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { bind, leftBy, volumesOf } from "./bind.ts";
import { decide } from "./decisions.ts";

type All = Pick<Space, "all">;

interface Said {
  machine: string;
  report: InstanceReport;
  now: number;
}

/** What a machine says that an instance is not bound to: it was before, or the instance comes to it. */
export function foldElsewhere(
  tx: Transaction,
  space: All,
  record: InstanceRecord,
  { machine, report, now }: Said,
): void {
  const { move, fence } = record.status;
  if (move?.to === machine && report.fence === fence + 1)
    return foldArrival(tx, space, record, { report, now });
  const { left: before = [], moved, ...status } = record.status;
  const isLate = report.left !== undefined && moved?.migration === report.left.migration;
  const pauseMs = isLate && moved.pauseMs === undefined ? report.left!.pauseMs : undefined;
  const isGone = report.state === "gone" && before.includes(machine);
  if (!isGone && pauseMs === undefined) return;
  const left = isGone ? before.filter((name) => name !== machine) : before;
  tx.put<"instance">({
    ...record,
    status: {
      ...status,
      ...(moved && { moved: { ...moved, ...(pauseMs !== undefined && { pauseMs }) } }),
      ...(left.length > 0 && { left }),
    },
  });
}

/** Only the machine that it comes to can let it run there: what that says of it is how it ended. */
function foldArrival(
  tx: Transaction,
  space: All,
  record: InstanceRecord,
  { report, now }: Omit<Said, "machine">,
): void {
  const move = record.status.move!;
  const { awaits, state, reason } = report;
  if (state === "running") return arrive(tx, space, record, { now });
  if (state === "failed") {
    const said = reason?.message ?? "it could not be taken in";
    return stay(tx, space, record, { now, reason: `${move.to}: ${said}` });
  }
  if (awaits?.migration !== move.migration) return;
  const { address, port } = awaits;
  if (move.address === address && move.port === port) return;
  tx.put<"instance">({
    ...record,
    status: { ...record.status, move: { ...move, address, port } },
  });
}

/** What the machine says that an instance is to leave. True where nothing else is to be understood of it. */
export function foldDeparture(
  tx: Transaction,
  space: All,
  record: InstanceRecord,
  { report, now }: Omit<Said, "machine">,
): boolean {
  const { move } = record.status;
  const { left, stays } = report;
  if (!move) return left !== undefined;
  if (left?.migration === move.migration) {
    arrive(tx, space, record, { now, pauseMs: left.pauseMs });
    return true;
  }
  if (stays?.migration !== move.migration) return false;
  stay(tx, space, record, { now, reason: stays.reason });
  return true;
}

/** It runs on the other machine, and is bound to that. */
function arrive(
  tx: Transaction,
  space: All,
  record: InstanceRecord,
  { now, pauseMs }: { now: number; pauseMs?: number },
): void {
  const { name, status } = record;
  const { migration, to, sharesStorage } = status.move!;
  const from = status.machine!;
  const { stayed: _stayed, publicIp: _ip, ports: _ports, ...kept } = status;
  const paused = { ...(pauseMs !== undefined && { pauseMs }) };
  bind(tx, { ...record, status: kept }, volumesOf(space, name), {
    machine: to,
    status: {
      state: status.state,
      since: status.since,
      moved: { migration, from, to, at: now, ...paused },
    },
  });
  decide(tx, record, {
    at: now,
    action: "move",
    subject: to,
    what: `bound it to ${to}, where it has come to, running`,
    why: [
      `it was to leave ${from}`,
      sharesStorage ? "both machines have its volumes" : "its volumes were copied with it",
      ...(pauseMs === undefined ? [] : [`it stood still for ${Math.round(pauseMs)} ms`]),
    ],
  });
}

/**
 * It does not come to the other machine, and certainly does not run there: it goes on where it is, under a number that is higher
 * than what the other one knew.
 */
export function stay(
  tx: Transaction,
  space: All,
  record: InstanceRecord,
  { now, reason }: { now: number; reason: string },
): void {
  const { move, left: before, ...status } = record.status;
  if (!move) return;
  const { migration, to } = move;
  for (const volume of volumesOf(space, record.name)) {
    if (volume.status.storage !== undefined) continue;
    const left = leftBy(volume.status.left, to, volume.status.machine ?? "");
    tx.put<"volume">({ ...volume, status: { ...volume.status, left } });
  }
  tx.put<"instance">({
    ...record,
    status: {
      ...status,
      fence: status.fence + 2,
      stayed: { migration, to, at: now, reason },
      left: leftBy(before, to, status.machine ?? ""),
    },
  });
  decide(tx, record, {
    at: now,
    action: "hold",
    subject: to,
    what: `left it on ${status.machine}`,
    why: [`it could not go to ${to}: ${reason}`],
  });
}
