import { limits } from "#/base/limits.ts";
import type {
  FilterRule,
  HostOrders,
  InstanceOrder,
  MetadataOrder,
  RootOrder,
  SnapshotOrder,
  VolumeOrder,
  VpcOrder,
} from "#/model/hosting.ts";
import { sourceOf, type ImageSource } from "#/model/image.ts";
import { instanceTypes, networkBitsPerSecond } from "#/model/instance-type.ts";
import type { InstanceMove, InstanceRecord } from "#/model/instance.ts";
import type { SecurityRule } from "#/model/virtual-network.ts";
import type { SnapshotRecord, VolumeRecord } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";
import { disksOf } from "./disks.ts";
import { rateOf } from "./volume-types.ts";

/** What orders are made with beside the records. */
export interface OrderMeans {
  space: Pick<Space, "get" | "all">;
  /** What the metadata service of an instance tells. */
  metadataOf(instance: InstanceRecord): MetadataOrder;
  /** The key of a volume, base64, that was sealed for that volume; undefined where what sealed it is gone for good. */
  keyOf(sealedKey: string, volume: string): string | undefined;
  /** What seals its way to another machine, base64. */
  moveKeyOf(move: InstanceMove): string;
  /** Where other machines reach a machine. */
  addressOf(machine: string): string | undefined;
}

/** All that a machine is to have. */
export function ordersFor(machine: string, means: OrderMeans): HostOrders {
  const { space } = means;
  const gone: string[] = [];
  const instances: InstanceOrder[] = [];
  const vpcs = new Set<string>();
  const volumes: VolumeOrder[] = [];
  for (const record of space.all("instance")) {
    if (record.status.machine !== machine) {
      const coming = comingOrder(record, machine, means);
      if (coming) {
        instances.push(coming);
        vpcs.add(record.spec.network.vpc);
        volumes.push(...comingVolumes(record, means));
      } else if (record.status.left?.includes(machine)) gone.push(record.name);
      continue;
    }
    if (record.status.state === "terminated") continue;
    if (record.status.waitsFor && record.spec.wanted === "running") continue;
    const order = record.spec.wanted === "terminated" ? undefined : instanceOrder(record, means);
    if (!order) gone.push(record.name);
    else {
      instances.push(order);
      vpcs.add(record.spec.network.vpc);
    }
  }
  for (const record of space.all("volume")) {
    if (record.status.left?.includes(machine)) gone.push(record.name);
    if (record.status.machine !== machine) continue;
    if (record.spec.isUnwanted) gone.push(record.name);
    else {
      const order = volumeOrder(record, means);
      if (order) volumes.push(order);
    }
  }
  const snapshots: SnapshotOrder[] = [];
  for (const record of space.all("snapshot")) {
    if (record.status.state !== "pending" || record.spec.volume === undefined) continue;
    if (space.get("volume", record.spec.volume)?.status.machine === machine)
      snapshots.push(snapshotOrder(record, means));
  }
  snapshots.push(...filesOrders(machine, space));
  return {
    isAll: true,
    instances,
    volumes,
    snapshots,
    vpcs: [...vpcs].map((vpc) => vpcOrder(vpc, machine, means)),
    gone,
  };
}

/** Undefined for one of which the image is gone: it cannot be made any more. */
function instanceOrder(record: InstanceRecord, means: OrderMeans): InstanceOrder | undefined {
  const { space } = means;
  const { spec, status, name, project } = record;
  const image = space.get("image", spec.image);
  if (!image) return undefined;
  const type = instanceTypes.get(spec.type)!;
  const disks = keptDisksOf(space, record).map(({ name: volume, status: { attachment } }) => ({
    volume,
    device: attachment!.device,
  }));
  const { network } = spec;
  const subnet = space.get("subnet", network.subnet);
  const groups = network.groups.flatMap((group) => space.get("security-group", group) ?? []);
  return {
    instance: name,
    fence: status.fence,
    project,
    kind: spec.kind,
    wanted: spec.wanted === "running" ? "running" : "stopped",
    reboots: spec.reboots,
    vcpus: type.vcpus,
    memoryBytes: type.memoryBytes,
    root: rootOf(sourceOf(image)),
    imageProject: image.project,
    disks,
    network: {
      interface: network.interface,
      vpc: network.vpc,
      subnetCidr: subnet?.spec.cidr ?? `${network.privateIp}/32`,
      privateIp: network.privateIp,
      mac: network.mac,
      hostname: hostnameOf(network.privateIp),
      ingress: groups.flatMap(({ spec: { ingress } }) => ingress.map(ruleOf)),
      egress: groups.flatMap(({ spec: { egress } }) => egress.map(ruleOf)),
      hasPublicAddress: network.hasPublicAddress,
      bitsPerSecond: networkBitsPerSecond(type),
      ...(network.published && { published: network.published }),
      ...elasticIpOf(space, name),
    },
    metadata: means.metadataOf(record),
    ...(status.move && { goesTo: migrationOf(status.move, status.move.to, means) }),
    ...(spec.hibernates && { hibernates: true }),
    ...(status.leaseMs !== undefined && { leaseMs: status.leaseMs }),
  };
}

/** The address of its own that it was given. */
function elasticIpOf(space: Pick<Space, "all">, instance: string): { elasticIp?: string } {
  for (const { spec, status } of space.all("address"))
    if (status.instance === instance) return { elasticIp: spec.publicIp };
  return {};
}

function migrationOf(move: InstanceMove, machine: string, { moveKeyOf }: OrderMeans) {
  const { migration, address, port, sharesStorage } = move;
  const where = { ...(address !== undefined && { address }), ...(port !== undefined && { port }) };
  return { migration, machine, ...where, key: moveKeyOf(move), sharesStorage };
}

/**
 * For the machine that it is to come to. It has a lease there until it has: when that machine is silent, it is certain after a while
 * that it does not run there.
 */
function comingOrder(
  record: InstanceRecord,
  machine: string,
  means: OrderMeans,
): InstanceOrder | undefined {
  const { spec, status } = record;
  const { move, ...bound } = status;
  if (move?.to !== machine || spec.wanted === "terminated") return undefined;
  const there = { ...record, status: { ...bound, fence: status.fence + 1 } };
  const order = instanceOrder(there, means);
  if (!order) return undefined;
  const comesFrom = migrationOf(move, status.machine ?? "", means);
  return { ...order, wanted: "running", leaseMs: limits.instanceLeaseMs, comesFrom };
}

/** Those that are copied begin as nothing: what they hold comes with it. */
function comingVolumes(instance: InstanceRecord, means: OrderMeans): VolumeOrder[] {
  return keptDisksOf(means.space, instance).flatMap((record) => {
    const order = volumeOrder(record, means);
    if (!order || order.storage !== undefined) return order ?? [];
    const { manifest: _manifest, manifestProject: _project, ...empty } = order;
    return empty;
  });
}

/** As EC2 names what has no name of its own. */
export const hostnameOf = (privateIp: string) => `ip-${privateIp.replaceAll(".", "-")}`;

function rootOf(source: ImageSource): RootOrder {
  switch (source.type) {
    case "files":
      return source;
    case "disk":
      return { type: "disk", ...(source.boot && { boot: source.boot }) };
    case "unikernel":
      return source;
  }
}

/** Without those that are being taken from it. */
function keptDisksOf(space: OrderMeans["space"], record: InstanceRecord): VolumeRecord[] {
  return disksOf(space, record).filter(
    ({ status: { attachment } }) => attachment!.state !== "detaching",
  );
}

/** Undefined for one whose key is gone for good: who has its order goes on with that, and nobody else can open it. */
function volumeOrder(record: VolumeRecord, { keyOf }: OrderMeans): VolumeOrder | undefined {
  const { spec, status, name, project } = record;
  const { origin, sealedKey } = spec;
  const key = sealedKey === undefined ? undefined : keyOf(sealedKey, name);
  if (spec.isEncrypted && key === undefined) return undefined;
  const manifestKey =
    origin?.sealedKey === undefined ? undefined : keyOf(origin.sealedKey, origin.sealedFor ?? name);
  return {
    volume: name,
    project,
    sizeBytes: spec.sizeBytes,
    ...(origin && { manifest: origin.manifest, manifestProject: origin.project }),
    ...(manifestKey !== undefined && { manifestKey }),
    ...(key !== undefined && { key }),
    ...rateOf(spec),
    ...(status.storage !== undefined && { storage: status.storage }),
  };
}

function snapshotOrder(
  { name, project, spec, serial }: SnapshotRecord,
  { space, keyOf }: OrderMeans,
): SnapshotOrder {
  const volume = spec.volume!;
  let after: SnapshotRecord | undefined;
  for (const one of space.all("snapshot")) {
    if (one.spec.volume !== volume || one.serial >= serial) continue;
    if (one.status.state === "completed" && one.serial > (after?.serial ?? 0)) after = one;
  }
  // The first is compared with what the volume was made of: of an image, most of it is as it was.
  const origin = space.get("volume", volume)?.spec.origin;
  const first = origin?.project === project ? origin.manifest : undefined;
  const manifest = after?.status.manifest ?? first;
  const { sealedKey, sealedFor = volume } = spec;
  const key = sealedKey === undefined ? undefined : keyOf(sealedKey, sealedFor);
  return {
    snapshot: name,
    project,
    volume,
    ...(manifest !== undefined && { after: manifest }),
    ...(key !== undefined && { key }),
    isConsistent: true,
  };
}

/** Files of its instances that images are to be made of. */
function filesOrders(machine: string, space: Pick<Space, "get" | "all">): SnapshotOrder[] {
  return [...space.all("image")].flatMap(({ name, spec, status }) => {
    if (status.state !== "pending" || spec.source.type !== "files") return [];
    const instance = space.get("instance", spec.madeOf ?? "");
    if (instance?.status.machine !== machine) return [];
    return { snapshot: name, instance: instance.name, isConsistent: !spec.noReboot };
  });
}

function ruleOf({ protocol, from, to, cidr, group }: SecurityRule): FilterRule {
  return {
    protocol,
    from,
    to,
    ...(cidr !== undefined && { cidr }),
    ...(group !== undefined && { group }),
  };
}

function vpcOrder(vpc: string, machine: string, { space, addressOf }: OrderMeans): VpcOrder {
  const record = space.get("vpc", vpc);
  const names: Record<string, string> = {};
  const peers: Record<string, string> = {};
  const groups: Record<string, string[]> = {};
  for (const { name, spec, status } of space.all("instance")) {
    const { network } = spec;
    if (network.vpc !== vpc || status.state === "terminated") continue;
    names[hostnameOf(network.privateIp)] = network.privateIp;
    names[name] = network.privateIp;
    for (const group of network.groups) (groups[group] ??= []).push(network.privateIp);
    if (status.machine === undefined || status.machine === machine) continue;
    const address = addressOf(status.machine);
    if (address !== undefined) peers[network.privateIp] = address;
  }
  return {
    vpc,
    tunnel: record?.spec.tunnel ?? 0,
    cidr: record?.spec.cidr ?? "",
    names,
    peers,
    groups,
  };
}
