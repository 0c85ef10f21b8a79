import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext } from "../call.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { hostnameOf } from "#/instances/orders.ts";
import { stateView } from "./instance-view.ts";

/** What filters see of an instance. */
export function instanceFacts({ parts, caller }: AwsContext): Facts<InstanceRecord> {
  const { space } = parts;
  const groupsOf = ({ spec }: InstanceRecord) => spec.network.groups;
  const titlesOf = (record: InstanceRecord) =>
    groupsOf(record).flatMap((group) => space.get("security-group", group)?.spec.title ?? []);
  const vpcOf = ({ spec }: InstanceRecord) => spec.network.vpc;
  const subnetOf = ({ spec }: InstanceRecord) => spec.network.subnet;
  const privateIpOf = ({ spec }: InstanceRecord) => spec.network.privateIp;
  const publicIpOf = ({ status }: InstanceRecord) => status.publicIp;
  const zoneOf = ({ spec }: InstanceRecord) => space.get("subnet", spec.network.subnet)?.spec.zone;
  const dnsOf = ({ spec }: InstanceRecord) => `${hostnameOf(spec.network.privateIp)}.ec2.internal`;
  const imageOf = ({ spec }: InstanceRecord) => space.get("image", spec.image)?.spec;
  const disksOf = (record: InstanceRecord) =>
    [...space.all("volume")].filter(({ status }) => status.attachment?.instance === record.name);
  return {
    "instance-id": ({ name }) => name,
    "instance-type": ({ spec }) => spec.type,
    "instance-state-name": ({ status }) => status.state,
    "instance-state-code": ({ status }) => String(stateView(status.state).Code),
    "instance-lifecycle": ({ spec }) => (spec.market ? "spot" : undefined),
    "image-id": ({ spec }) => spec.image,
    "key-name": ({ spec }) => spec.keyName,
    "launch-time": ({ spec }) => new Date(spec.launchedAt).toISOString(),
    "launch-index": ({ spec }) => String(spec.launchIndex),
    "client-token": ({ spec }) => spec.clientToken,
    "owner-id": () => caller.accountId,
    "reservation-id": ({ spec }) => spec.reservation,
    "requester-id": () => undefined,
    "private-ip-address": privateIpOf,
    "private-dns-name": dnsOf,
    "ip-address": publicIpOf,
    "dns-name": publicIpOf,
    "subnet-id": subnetOf,
    "vpc-id": vpcOf,
    "network-interface.network-interface-id": ({ spec }) => spec.network.interface,
    "network-interface.mac-address": ({ spec }) => spec.network.mac,
    "network-interface.subnet-id": subnetOf,
    "network-interface.vpc-id": vpcOf,
    "network-interface.addresses.private-ip-address": privateIpOf,
    "network-interface.private-dns-name": dnsOf,
    "network-interface.availability-zone": zoneOf,
    "network-interface.group-id": groupsOf,
    "network-interface.group-name": titlesOf,
    "network-interface.owner-id": () => caller.accountId,
    "network-interface.status": () => "in-use",
    "availability-zone": zoneOf,
    "instance.group-id": groupsOf,
    "instance.group-name": titlesOf,
    "group-id": groupsOf,
    "group-name": titlesOf,
    "placement-group-name": ({ spec }) => spec.placement.group?.title,
    "host-id": ({ status }) => status.machine,
    "spot-instance-request-id": ({ spec }) => spec.market?.request,
    "state-reason-code": ({ status }) => status.reason?.code,
    "iam-instance-profile.arn": ({ spec }) =>
      spec.profile === undefined
        ? undefined
        : `arn:aws:iam::${caller.accountId}:instance-profile/${spec.profile}`,
    "iam-instance-profile.name": ({ spec }) => spec.profile,
    architecture: (record) => imageOf(record)?.architecture ?? "x86_64",
    "root-device-type": (record) =>
      imageOf(record)?.source.type === "disk" ? "ebs" : "instance-store",
    "root-device-name": (record) => {
      const source = imageOf(record)?.source;
      return source?.type === "disk" ? source.disks[0]?.device : undefined;
    },
    "block-device-mapping.volume-id": (record) => disksOf(record).map(({ name }) => name),
    "block-device-mapping.device-name": (record) =>
      disksOf(record).map(({ status }) => status.attachment!.device),
    "block-device-mapping.status": (record) =>
      disksOf(record).map(({ status }) => status.attachment!.state),
    tenancy: () => "default",
    hypervisor: () => "xen",
    "virtualization-type": () => "hvm",
    "monitoring-state": () => "disabled",
    "source-dest-check": () => "true",
    "ebs-optimized": () => "false",
    "metadata-options.http-tokens": () => "required",
    "metadata-options.http-endpoint": ({ spec }) =>
      spec.metadata.isEnabled ? "enabled" : "disabled",
    "metadata-options.instance-metadata-tags": ({ spec }) =>
      spec.metadata.hasTags ? "enabled" : "disabled",
    ...tagFacts<InstanceRecord>(),
  };
}
