import { limits } from "#/base/limits.ts";
import type { InstanceRecord, InstanceStatus } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { spentSoFar } from "./spent.ts";

/** Whether an instance can have its volumes on another machine: what storage that needs; or why it cannot. */
export type Portability = { storages: readonly string[] } | { stays: string };

export function volumesOf(space: Pick<Space, "all">, instance: string): VolumeRecord[] {
  return [...space.all("volume")].filter(({ status }) => status.attachment?.instance === instance);
}

/** Its instance is gone: so is the volume, where it was to go with that. */
export function leaveVolume(tx: Transaction, volume: VolumeRecord): void {
  const { attachment, ...status } = volume.status;
  const isUnwanted = attachment!.deletesOnTermination;
  tx.put<"volume">({
    ...volume,
    spec: { ...volume.spec, ...(isUnwanted && { isUnwanted: true as const }) },
    status: { ...status, state: isUnwanted ? "deleting" : "available" },
  });
}

export function portabilityOf(volumes: readonly VolumeRecord[]): Portability {
  const storages = new Set<string>();
  for (const { name, status } of volumes) {
    const { machine, storage } = status;
    if (storage !== undefined) storages.add(storage);
    else if (machine !== undefined && !isUntouched(status))
      return { stays: `its volume ${name} is on ${machine} alone` };
  }
  return { storages: [...storages] };
}

/** Nothing was ever written to it, as far as anybody has heard: it is still what its snapshot says. */
function isUntouched({ attachment, grownBytes }: VolumeRecord["status"]): boolean {
  return attachment?.state === "attaching" && grownBytes === undefined;
}

/**
 * Binds an instance to a machine under a higher number. The one that it leaves is told that it is gone, until that says so.
 * `status` is what is new beside.
 */
export function bind(
  tx: Transaction,
  record: InstanceRecord,
  volumes: readonly VolumeRecord[],
  to: {
    machine: string;
    status: Pick<InstanceStatus, "state" | "since"> & Partial<InstanceStatus>;
  },
): InstanceRecord {
  const { machine } = to;
  const {
    machine: from,
    left: before,
    leaseMs: _lease,
    move: _move,
    because,
    ...kept
  } = record.status;
  for (const volume of volumes) moveVolume(tx, volume, machine);
  const left = leftBy(before, from, machine);
  return tx.put<"instance">({
    ...record,
    status: {
      ...kept,
      ...(because !== undefined && from === machine && { because }),
      ...spentSoFar(record, to.status.since),
      ...to.status,
      machine,
      fence: record.status.fence + 1,
      ...leaseOf(record),
      ...(left.length > 0 && { left }),
    },
  });
}

/** The lease of a new binding. */
export const leaseOf = ({ spec }: Pick<InstanceRecord, "spec">) =>
  spec.isRecovered ? { leaseMs: limits.instanceLeaseMs } : {};

function moveVolume(tx: Transaction, volume: VolumeRecord, machine: string): void {
  const { machine: from, left: before, ...kept } = volume.status;
  // The file on shared storage is the same one for all.
  const left = kept.storage === undefined ? leftBy(before, from, machine) : [];
  tx.put<"volume">({
    ...volume,
    status: { ...kept, machine, ...(left.length > 0 && { left }) },
  });
}

export function leftBy(
  before: readonly string[] = [],
  from: string | undefined,
  to: string,
): string[] {
  const all = new Set(before);
  if (from !== undefined) all.add(from);
  all.delete(to);
  return [...all];
}
