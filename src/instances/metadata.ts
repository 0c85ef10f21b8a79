import { accountIdOf } from "#/model/account.ts";
import type { MetadataOrder } from "#/model/hosting.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { disksOf } from "./disks.ts";
import { hostnameOf } from "./orders.ts";

/** Name of a key pair's record. */
export const keyPairNameOf = (project: string, title: string) => `${project}:${title}`;

/**
 * What the metadata service of an instance answers, by path below "latest/", as
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html has it.
 */
export function metadataOf(
  record: InstanceRecord,
  {
    space,
    region,
    ofRole,
    signed = () => ({}),
  }: {
    space: Pick<Space, "get" | "all">;
    region: string;
    /** What it is told of its role, below "iam/". */
    ofRole: Readonly<Record<string, string>>;
    /** What stands beside its identity document. */
    signed?: ((document: string) => Readonly<Record<string, string>>) | undefined;
  },
): MetadataOrder {
  const { name, project, spec } = record;
  const { network, metadata, userData } = spec;
  const { privateIp, mac } = network;
  const hostname = `${hostnameOf(privateIp)}.ec2.internal`;
  const subnet = space.get("subnet", network.subnet)?.spec;
  const vpc = space.get("vpc", network.vpc)?.spec;
  const owner = space.get("project", project);
  const accountId = owner ? accountIdOf(owner) : "";
  const zone = subnet?.zone ?? "";
  const publicIp = addressOf(record, space);
  const titles = network.groups.flatMap(
    (group) => space.get("security-group", group)?.spec.title ?? [],
  );
  const keyName = spec.keyName;
  const key =
    keyName === undefined ? undefined : space.get("key-pair", keyPairNameOf(project, keyName));
  const ofInterface = {
    "device-number": "0",
    "interface-id": network.interface,
    "local-hostname": hostname,
    "local-ipv4s": privateIp,
    mac,
    "owner-id": accountId,
    "security-group-ids": network.groups.join("\n"),
    "security-groups": titles.join("\n"),
    "subnet-id": network.subnet,
    "subnet-ipv4-cidr-block": subnet?.cidr ?? "",
    "vpc-id": network.vpc,
    "vpc-ipv4-cidr-block": vpc?.cidr ?? "",
    "vpc-ipv4-cidr-blocks": vpc?.cidr ?? "",
    ...(publicIp !== undefined && {
      "public-hostname": publicIp,
      "public-ipv4s": publicIp,
      [`ipv4-associations/${publicIp}`]: privateIp,
    }),
  };
  const documents: Record<string, string> = {
    "ami-id": spec.image,
    "ami-launch-index": String(spec.launchIndex),
    hostname,
    "instance-action": "none",
    "instance-id": name,
    "instance-life-cycle": spec.market ? "spot" : "on-demand",
    "instance-type": spec.type,
    "local-hostname": hostname,
    "local-ipv4": privateIp,
    mac,
    "placement/availability-zone": zone,
    "placement/region": region,
    profile: "default-hvm",
    "reservation-id": spec.reservation,
    "security-groups": titles.join("\n"),
    "services/domain": "amazonaws.com",
    "services/partition": "aws",
    "events/maintenance/history": "[]",
    "events/maintenance/scheduled": "[]",
    ...(publicIp !== undefined && { "public-hostname": publicIp, "public-ipv4": publicIp }),
    ...prefixed("block-device-mapping", devicesOf(record, space)),
    ...interruptionOf(record),
    ...ofRole,
    ...(key && {
      "public-keys/": `0=${keyName}`,
      "public-keys/0/openssh-key": key.spec.publicKey,
    }),
    ...(metadata.hasTags && prefixed("tags/instance", spec.tags)),
    ...prefixed(`network/interfaces/macs/${mac}`, ofInterface),
  };
  const identity = {
    accountId,
    architecture: "x86_64",
    availabilityZone: zone,
    imageId: spec.image,
    instanceId: name,
    instanceType: spec.type,
    pendingTime: new Date(spec.launchedAt).toISOString(),
    privateIp,
    region,
    version: "2017-09-30",
  };
  const document = JSON.stringify(identity, undefined, 2);
  return {
    isEnabled: metadata.isEnabled,
    hopLimit: metadata.hopLimit,
    documents: {
      ...prefixed("meta-data", documents),
      ...prefixed("dynamic/instance-identity", { document, ...signed(document) }),
    },
    ...(userData !== undefined && { userData }),
  };
}

/** An address of its own before one that its machine shares with others. */
function addressOf(
  { name, status }: InstanceRecord,
  space: Pick<Space, "all">,
): string | undefined {
  for (const address of space.all("address"))
    if (address.status.instance === name) return address.spec.publicIp;
  return status.publicIp;
}

/** The root by two names, as AWS has it, and the others in their order. */
function devicesOf(
  record: InstanceRecord,
  space: Pick<Space, "all" | "get">,
): Record<string, string> {
  const devices = disksOf(space, record).map(({ status }) => status.attachment!.device);
  const [root, ...others] = devices;
  if (root === undefined) return {};
  return {
    ami: root.replace("/dev/", ""),
    root,
    ...Object.fromEntries(
      others.map((device, index) => [`ebs${index + 1}`, device.replace("/dev/", "")]),
    ),
  };
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
function interruptionOf({ spec, status }: InstanceRecord): Record<string, string> {
  const { market } = spec;
  if (!market || status.interruptionAt === undefined) return {};
  const time = new Date(status.interruptionAt).toISOString().replace(/\.\d+Z$/, "Z");
  const action = market.onInterruption;
  return {
    "spot/instance-action": JSON.stringify({ action, time }),
    ...(action === "terminate" && { "spot/termination-time": time }),
  };
}

function prefixed(folder: string, documents: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(documents).map(([path, content]) => [`${folder}/${path}`, content]),
  );
}
