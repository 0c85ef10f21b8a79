import type { HostReports, InstanceReport, SnapshotReport, VolumeReport } from "#/model/hosting.ts";
import type { InstanceRecord, InstanceStatus } from "#/model/instance.ts";
import type { SnapshotStatus, VolumeAttachment, VolumeStatus } from "#/model/volume.ts";
import { leaveVolume, volumesOf } from "./bind.ts";
import { foldDeparture, foldElsewhere, stay } from "./fold-move.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { spentSoFar } from "./spent.ts";
import { seeUse } from "./use.ts";
import { afterSnapshot, foldFiles } from "./image-of-instance.ts";

/**
 * Takes what a machine says of itself into the records. The same report may come any number of times; one of an older
 * binding, or of a machine that an instance is not bound to, changes nothing.
 */
export function fold(
  tx: Transaction,
  space: Pick<Space, "all">,
  said: { machine: string; reports: HostReports; now: number },
): void {
  const { machine, reports, now } = said;
  for (const report of reports.instances) foldInstance(tx, space, { machine, report, now });
  for (const report of reports.volumes) foldVolume(tx, machine, report);
  for (const report of reports.snapshots) {
    foldSnapshot(tx, space, report);
    foldFiles(tx, { machine, report });
  }
  for (const instance of reports.gone) foldGone(tx, space, { machine, instance, now });
}

function foldInstance(
  tx: Transaction,
  space: Pick<Space, "all">,
  said: { machine: string; report: InstanceReport; now: number },
): void {
  const { machine, report, now } = said;
  const record = tx.get("instance", report.instance);
  if (!record) return;
  if (record.status.machine !== machine)
    return foldElsewhere(tx, space, record, { machine, report, now });
  if (record.status.fence !== report.fence) return;
  if (foldDeparture(tx, space, record, { report, now })) return;
  const next = seeUse(nextOf(record, report, now) ?? record, report, now);
  if (report.state === "gone" && record.spec.wanted === "terminated") {
    for (const volume of volumesOf(space, record.name)) leaveVolume(tx, volume);
  } else seeAttached(tx, space, record, report);
  if (next === record) return;
  const kept = tx.put<"instance">(next);
  if (next.status.state === "terminated")
    stay(tx, space, kept, { now, reason: "nobody wants it any more" });
}

/** A machine that was told that it is to go says that it never was there, or is not any more. */
function foldGone(
  tx: Transaction,
  space: Pick<Space, "all">,
  said: { machine: string; instance: string; now: number },
): void {
  const { machine, instance, now } = said;
  const record = tx.get("instance", instance);
  if (!record) return;
  const { reboots } = record.spec;
  const { fence } = record.status;
  foldInstance(tx, space, { machine, report: { instance, fence, state: "gone", reboots }, now });
}

/** The record as it is after a report; undefined where that says nothing new. */
function nextOf(
  record: InstanceRecord,
  report: InstanceReport,
  now: number,
): InstanceRecord | undefined {
  const { spec, status } = record;
  const to = (
    state: InstanceStatus["state"],
    more: Partial<InstanceStatus> = {},
  ): InstanceRecord => ({
    ...record,
    status: {
      ...status,
      ...(status.state === state ? {} : spentSoFar(record, now)),
      ...more,
      state,
      since: status.state === state ? status.since : now,
    },
  });
  if (spec.wanted === "terminated") {
    if (report.state !== "gone" || status.state === "terminated") return undefined;
    const {
      publicIp: _ip,
      ports: _ports,
      ...kept
    } = to("terminated", { terminatedAt: now }).status;
    return { ...record, status: kept };
  }
  if (report.state === "failed") return failed(record, report, now);
  if (report.state === "running" && spec.wanted === "running") {
    const { startedAt, publicIp, ports, crashed } = report;
    const isNew =
      status.state !== "running" ||
      status.startedAt !== startedAt ||
      status.crashed?.at !== crashed?.at ||
      status.publicIp !== publicIp ||
      JSON.stringify(status.ports) !== JSON.stringify(ports);
    if (!isNew) return undefined;
    const seen = {
      ...(startedAt !== undefined && { startedAt }),
      ...(publicIp !== undefined && { publicIp }),
      ...(ports && { ports }),
    };
    const { crashed: _before, ...sound } = to("running", seen).status;
    return { ...record, status: { ...sound, ...(crashed && { crashed }) } };
  }
  if (report.state !== "stopped") return undefined;
  if (spec.wanted === "stopped") {
    if (status.state === "stopped") return undefined;
    const { hibernates: _hibernates, ...awake } = spec;
    return report.keepsMemory === false
      ? withoutAddress({ ...to("stopped", { reason: noMemory }), spec: awake })
      : withoutAddress(to("stopped"));
  }
  // It has ended by itself.
  const { ended } = report;
  if (!ended) return undefined;
  const reason = {
    code: "Client.InstanceInitiatedShutdown",
    message: `Client.InstanceInitiatedShutdown: Instance initiated shutdown${ended.exitCode === undefined ? "" : ` (exit status ${ended.exitCode})`}`,
  };
  if (spec.onShutdown === "terminate") {
    return { ...to("shutting-down", { reason }), spec: { ...spec, wanted: "terminated" } };
  }
  return { ...withoutAddress(to("stopped", { reason })), spec: { ...spec, wanted: "stopped" } };
}

const noMemory = {
  code: "Server.InternalError",
  message: "Server.InternalError: Its memory could not be kept: it was stopped, and begins anew",
};

/** One that never ran is terminated, as EC2 has it; one that ran before is stopped, and keeps what it has. */
function failed(
  record: InstanceRecord,
  report: InstanceReport,
  now: number,
): InstanceRecord | undefined {
  const { spec, status } = record;
  const {
    code = "Server.InternalError",
    message = "Server.InternalError: Internal error on launch",
  } = report.reason ?? {};
  const reason = { code, message };
  if (status.startedAt === undefined) {
    return {
      ...record,
      spec: { ...spec, wanted: "terminated" },
      status: { ...status, state: "shutting-down", since: now, reason },
    };
  }
  if (status.state === "stopped") return undefined;
  return {
    ...withoutAddress({
      ...record,
      status: { ...status, ...spentSoFar(record, now), state: "stopped", since: now, reason },
    }),
    spec: { ...spec, wanted: "stopped" },
  };
}

function withoutAddress(record: InstanceRecord): InstanceRecord {
  const { publicIp: _ip, ports: _ports, ...status } = record.status;
  return { ...record, status };
}

function seeAttached(
  tx: Transaction,
  space: Pick<Space, "all">,
  { name }: InstanceRecord,
  { attached, unready = {} }: InstanceReport,
): void {
  if (!attached) return;
  for (const volume of volumesOf(space, name)) {
    const attachment = volume.status.attachment!;
    const isThere = attached.includes(volume.name);
    if (attachment.state === "attaching" && isThere) {
      const seen = { ...unreadyFor(attachment, unready[volume.name]), state: "attached" as const };
      tx.put<"volume">({
        ...volume,
        status: { ...volume.status, state: "in-use", attachment: seen },
      });
    } else if (attachment.state === "detaching" && !isThere && !unready[volume.name]) {
      const { attachment: _gone, ...status } = volume.status;
      tx.put<"volume">({ ...volume, status: { ...status, state: "available" } });
    } else if (attachment.reason !== unready[volume.name])
      tx.put<"volume">({
        ...volume,
        status: { ...volume.status, attachment: unreadyFor(attachment, unready[volume.name]) },
      });
  }
}

function unreadyFor(
  { reason: _before, ...attachment }: VolumeAttachment,
  reason: string | undefined,
): VolumeAttachment {
  return { ...attachment, ...(reason !== undefined && { reason }) };
}

function foldVolume(tx: Transaction, machine: string, report: VolumeReport): void {
  const record = tx.get("volume", report.volume);
  if (!record) return;
  const { spec, status } = record;
  if (status.machine !== machine && !status.left?.includes(machine)) return;
  if (report.state === "gone") {
    const { left: before = [], machine: at, ...kept } = status;
    const left = before.filter((name) => name !== machine);
    const isThere = at !== undefined && !(at === machine && spec.isUnwanted);
    if (spec.isUnwanted && !isThere && left.length === 0) return tx.delete("volume", record.name);
    if (isThere && left.length === before.length) return;
    const where = { ...(isThere && { machine: at }), ...(left.length > 0 && { left }) };
    tx.put<"volume">({ ...record, status: { ...kept, ...where } });
  } else if (status.machine !== machine) return;
  else if (report.state === "failed") {
    const { reason = "" } = report;
    if (status.state !== "error" || status.reason !== reason)
      tx.put<"volume">({ ...record, status: { ...status, state: "error", reason } });
  } else if (report.state === "here") {
    const { sizeBytes: grownBytes = status.grownBytes } = report;
    const isSame = status.state !== "error" && grownBytes === status.grownBytes;
    if (isSame) return;
    const sound = status.state === "error" ? withoutFault(status) : status;
    tx.put<"volume">({
      ...record,
      status: { ...sound, ...(grownBytes !== undefined && { grownBytes }) },
    });
  }
}

/** What could not be done was tried again, and is done. */
function withoutFault({ reason: _over, ...status }: VolumeStatus): VolumeStatus {
  return { ...status, state: status.attachment ? "in-use" : "available" };
}

function foldSnapshot(tx: Transaction, space: Pick<Space, "all">, report: SnapshotReport): void {
  const record = tx.get("snapshot", report.snapshot);
  if (record?.status.state !== "pending") return;
  const status = snapshotStatusOf(record.status, report);
  if (status) afterSnapshot(tx, space, tx.put<"snapshot">({ ...record, status }));
}

/** Undefined where a report says nothing new. */
function snapshotStatusOf(
  status: SnapshotStatus,
  { state, progress, manifest, newBytes, reason }: SnapshotReport,
): SnapshotStatus | undefined {
  if (state === "reading")
    return progress === status.progress ? undefined : { ...status, progress };
  if (state === "failed")
    return { ...status, ...(reason !== undefined && { reason }), state: "error" };
  if (manifest === undefined) return undefined;
  const kept = { manifest, ...(newBytes !== undefined && { newBytes }) };
  return { ...status, ...kept, state: "completed", progress: 100 };
}
