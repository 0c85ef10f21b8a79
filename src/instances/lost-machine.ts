import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { leaveVolume, portabilityOf, volumesOf } from "./bind.ts";
import { decide } from "./decisions.ts";
import type { Hosting } from "./hosting.ts";
import { spentSoFar } from "./spent.ts";

interface Parts {
  space: Space;
  hosting: Pick<Hosting, "silentMs">;
  clock: Pick<Clock, "now">;
}

/**
 * What becomes of instances and volumes of machines that were removed for good: what has its volumes elsewhere too may be started
 * there, the rest is lost. Who removes a machine says by that that nothing of it runs any more; one with a lease is waited for all
 * the same.
 */
export function loseMachine({ space, hosting, clock }: Parts): void {
  const isRemoved = (machine: string | undefined): machine is string =>
    machine !== undefined && space.get("machine", machine) === undefined;
  const lost = [...space.all("instance")].filter(
    ({ status }) =>
      status.state !== "terminated" &&
      isRemoved(status.machine) &&
      hosting.silentMs(status.machine) >= waitMsOf(status.leaseMs),
  );
  const forgotten = [...space.all("instance")].filter(({ status }) => status.left?.some(isRemoved));
  const volumes = [...space.all("volume")].filter(
    ({ status: { machine, storage, left, state } }) =>
      left?.some(isRemoved) || (isRemoved(machine) && storage === undefined && state !== "error"),
  );
  if (lost.length + forgotten.length + volumes.length === 0) return;
  space.commit((tx) => {
    for (const record of lost) loseInstance(tx, record, { space, now: clock.now() });
    for (const { name } of forgotten) {
      const record = tx.get("instance", name)!;
      tx.put<"instance">({ ...record, status: withoutLeft(record.status, isRemoved) });
    }
    for (const { name } of volumes) {
      const record = tx.get("volume", name);
      if (record) loseVolume(tx, record, isRemoved);
    }
  });
}

const waitMsOf = (leaseMs: number | undefined) =>
  leaseMs === undefined ? 0 : leaseMs + limits.instanceLeaseMarginMs;

/** One that may be started elsewhere stays, stopped; the others are terminated, as EC2 has it of hosts that fail. */
function loseInstance(
  tx: Transaction,
  record: InstanceRecord,
  { space, now }: { space: Space; now: number },
): void {
  const { machine, publicIp: _ip, ports: _ports, leaseMs: _lease, ...status } = record.status;
  const volumes = volumesOf(space, record.name);
  const portability = portabilityOf(volumes);
  const isKept = "storages" in portability && portability.storages.length > 0;
  const { wanted, isRecovered } = record.spec;
  if (wanted === "running" && isRecovered && "storages" in portability) return; // it is started elsewhere
  if (wanted !== "terminated" && isKept) {
    const reason = hostFailure("its machine was removed; start it to have it elsewhere");
    const stopped = { state: "stopped" as const, since: now, reason };
    tx.put<"instance">({
      ...record,
      spec: { ...record.spec, wanted: "stopped" },
      status: { ...status, ...spentSoFar(record, now), ...stopped },
    });
    return;
  }
  const why =
    "stays" in portability ? portability.stays : "it has no volumes that other machines have";
  tx.put<"instance">({
    ...record,
    spec: { ...record.spec, wanted: "terminated" },
    status: {
      ...status,
      ...spentSoFar(record, now),
      state: "terminated",
      since: now,
      terminatedAt: now,
      reason: hostFailure(`its machine was removed, and ${why}`),
    },
  });
  for (const volume of volumes) leaveVolume(tx, volume);
  decide(tx, record, {
    at: now,
    action: "end",
    what: "terminated it",
    why: [`its machine ${machine} was removed for good`, why],
    flip: "had its volumes been on storage that machines share, it could have been started elsewhere",
  });
}

const hostFailure = (why: string) => ({
  code: "Server.InternalError",
  message: `Server.InternalError: HostFailure: ${why}`,
});

function loseVolume(
  tx: Transaction,
  record: VolumeRecord,
  isRemoved: (machine: string | undefined) => boolean,
): void {
  const status = withoutLeft(record.status, isRemoved);
  if (!isRemoved(status.machine) || status.storage !== undefined)
    return void tx.put<"volume">({ ...record, status });
  // There is nobody left who could say that its file is gone.
  if (record.spec.isUnwanted) return tx.delete("volume", record.name);
  const reason = `its machine ${status.machine} was removed, and its file with it`;
  tx.put<"volume">({ ...record, status: { ...status, state: "error", reason } });
}

function withoutLeft<Status extends { left?: readonly string[] }>(
  { left = [], ...status }: Status,
  isRemoved: (machine: string | undefined) => boolean,
): Omit<Status, "left"> & { left?: readonly string[] } {
  const kept = left.filter((name) => !isRemoved(name));
  return { ...status, ...(kept.length > 0 && { left: kept }) };
}
