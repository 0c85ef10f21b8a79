import type { Clock } from "#/base/clock.ts";
import { placeOf, type Places } from "#/buckets/places.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import type { EventSubscriptionRecord } from "#/model/event-subscription.ts";
import type {
  EventSubscriptionView,
  InstanceTypeView,
  KeyPairView,
  InstanceView,
  SnapshotView,
  VolumeView,
} from "#/model/instance-views.ts";
import { formatMicros } from "#/model/units.ts";
import type { KeyPairRecord } from "#/model/virtual-network.ts";
import type { SnapshotRecord, VolumeRecord } from "#/model/volume.ts";
import { spentMicrosOf } from "#/instances/spent.ts";
import { rateOf } from "#/instances/volume-types.ts";
import { microsPerHourOf } from "#/meter/instance-price.ts";
import type { Space } from "#/space/space.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** What views of instances are made with beside the records. */
interface InstanceViewMeans {
  /** By the instance that has them. */
  volumes: ReadonlyMap<string, readonly VolumeRecord[]>;
  now: number;
  /** What networks a machine has for its instances. */
  networksOn(machine: string | undefined): "full" | "user" | undefined;
}

/** For as many views as are made at once. */
export function instanceViewMeans({
  space,
  clock,
}: {
  space: Pick<Space, "all" | "get">;
  clock: Pick<Clock, "now">;
}): InstanceViewMeans {
  const attached = [...space.all("volume")].filter(({ status }) => status.attachment);
  return {
    volumes: Map.groupBy(attached, ({ status }) => status.attachment!.instance),
    now: clock.now(),
    networksOn: (machine) =>
      machine === undefined ? undefined : space.get("machine", machine)?.status.hosting?.networks,
  };
}

export function instanceViewOf(
  record: InstanceRecord,
  { volumes, now, networksOn }: InstanceViewMeans,
): InstanceView {
  const { name, project, spec, status } = record;
  const { network, placement } = spec;
  return {
    id: name,
    project,
    name: spec.tags["Name"],
    image: spec.image,
    type: spec.type,
    kind: spec.kind,
    state: status.state,
    since: instantOf(status.since),
    launchedAt: instantOf(spec.launchedAt),
    startedAt: maybeInstant(status.startedAt),
    machine: status.machine,
    vpc: network.vpc,
    subnet: network.subnet,
    privateIp: network.privateIp,
    groups: [...network.groups],
    publicIp: status.publicIp,
    ports: status.ports && { ...status.ports },
    published: network.published && { ...network.published },
    networks: networksOn(status.machine),
    keyName: spec.keyName,
    disks: (volumes.get(name) ?? []).map(({ name: volume, status: { attachment } }) => ({
      volume,
      device: attachment!.device,
      state: attachment!.state,
      deletesOnTermination: attachment!.deletesOnTermination,
    })),
    placement: {
      zone: placement.zone,
      require: placement.requirements,
      rank: placement.rank,
      group: placement.group && { ...placement.group },
      machine: placement.machine,
    },
    isSpot: spec.market?.type === "spot",
    isRecovered: spec.isRecovered,
    isTerminationProtected: spec.isTerminationProtected,
    isStopProtected: spec.isStopProtected,
    mayHibernate: spec.mayHibernate === true,
    isHibernated: spec.hibernates === true,
    perHour: formatMicros(priceOf(spec.type)),
    spent: formatMicros(spentMicrosOf(record, now)),
    reason: status.reason && { ...status.reason },
    waits:
      status.waits ??
      (status.waitsFor &&
        `for room that spot instances leave by ${instantOf(status.waitsFor.until)}`),
    interruptionAt: maybeInstant(status.interruptionAt),
    move: status.move && {
      migration: status.move.migration,
      to: status.move.to,
      since: instantOf(status.move.since),
    },
    moved: status.moved && { ...status.moved, at: instantOf(status.moved.at) },
    stayed: status.stayed && { ...status.stayed, at: instantOf(status.stayed.at) },
    tags: { ...spec.tags },
  };
}

function priceOf(name: string): number {
  const type = instanceTypes.get(name);
  return type ? microsPerHourOf(type) : 0;
}

export function instanceTypeViewOf(
  type: InstanceType,
  { currency, room }: { currency: string; room: number },
): InstanceTypeView {
  const { name, kind, vcpus, memoryBytes, milliCpus } = type;
  return {
    name,
    kind,
    vcpus,
    memoryBytes,
    holdsCpus: milliCpus / 1000,
    perHour: formatMicros(microsPerHourOf(type)),
    currency,
    room,
  };
}

export function volumeViewOf({ name, project, spec, status }: VolumeRecord): VolumeView {
  const { attachment } = status;
  return {
    id: name,
    project,
    name: spec.tags["Name"],
    state: status.state,
    type: spec.type,
    sizeBytes: spec.sizeBytes,
    ...rateOf(spec),
    isEncrypted: spec.isEncrypted,
    zone: spec.zone,
    snapshot: spec.snapshot,
    machine: status.machine,
    storage: status.storage,
    attachment: attachment && { ...attachment, since: instantOf(attachment.since) },
    createdAt: instantOf(spec.createdAt),
    reason: status.reason,
    tags: { ...spec.tags },
  };
}

export function snapshotViewOf({ name, project, spec, status }: SnapshotRecord): SnapshotView {
  return {
    id: name,
    project,
    name: spec.tags["Name"],
    state: status.state,
    progress: status.progress,
    volume: spec.volume,
    sizeBytes: spec.sizeBytes,
    newBytes: status.newBytes,
    isEncrypted: spec.isEncrypted,
    description: spec.description,
    createdAt: instantOf(spec.createdAt),
    reason: status.reason,
    tags: { ...spec.tags },
  };
}

export function keyPairViewOf({ project, spec }: KeyPairRecord): KeyPairView {
  const { id, title, type, fingerprint, publicKey, createdAt, tags } = spec;
  return {
    id,
    name: title,
    project,
    type,
    fingerprint,
    publicKey,
    createdAt: instantOf(createdAt),
    tags: { ...tags },
  };
}

export function eventSubscriptionViewOf(
  { name, project, spec, status }: EventSubscriptionRecord,
  places: Places,
): EventSubscriptionView {
  const { to, events, instances, tags, createdAt } = spec;
  const { missed } = status;
  return {
    id: name.slice(name.indexOf("/") + 1),
    project,
    to,
    events: [...events],
    ...(instances && { instances: [...instances] }),
    ...(tags && { tags: { ...tags } }),
    createdAt: instantOf(createdAt),
    ...(missed && { missed: { count: missed.count, at: instantOf(missed.at) } }),
    isGone: placeOf(places, to)?.isThere(to, project) !== true,
  };
}
