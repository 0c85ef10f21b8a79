import type { Instance, InstanceStateName } from "@aws-sdk/client-ec2";
import { iamName } from "#/model/iam.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import { hostnameOf } from "#/instances/orders.ts";
import type { AwsContext } from "../call.ts";
import { metadataOptionsView } from "./metadata-options.ts";
import { tagList } from "./tag-list.ts";

/** Numbers of states, as EC2 has them. */
const codes: Record<InstanceStateName, number> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

export const stateView = (Name: InstanceStateName) => ({ Code: codes[Name], Name });

/**
 * EC2 has no field for the ports of a shared address that lead to an instance ("22=20417 80=28033"). Tags of AWS's own are what
 * clients show, and neither change nor take for a difference from what was asked for.
 */
function portsTag({ ports }: InstanceRecord["status"]) {
  if (!ports) return [];
  const Value = Object.entries(ports)
    .map(([port, outside]) => `${port}=${outside}`)
    .join(" ");
  return Value === "" ? [] : [{ Key: "aws:canopy:ports", Value }];
}

/** An instance as EC2 tells it. `volumes` are those that it has. */
export function instanceView(
  { name, spec, status }: InstanceRecord,
  volumes: readonly VolumeRecord[],
  { parts, caller }: AwsContext,
): Instance {
  const { network, metadata, placement, market } = spec;
  const { space, region } = parts;
  const image = space.get("image", spec.image)?.spec;
  const subnet = space.get("subnet", network.subnet)?.spec;
  const isGone = status.state === "terminated";
  const groups = network.groups.map((GroupId) => ({
    GroupId,
    GroupName: space.get("security-group", GroupId)?.spec.title ?? "",
  }));
  const vcpus = instanceTypes.get(spec.type)?.vcpus ?? 1;
  const dnsName = `${hostnameOf(network.privateIp)}.ec2.internal`;
  const disks = volumes
    .filter(({ status: { attachment } }) => attachment?.instance === name)
    .map(({ name: VolumeId, status: { attachment } }) => ({
      DeviceName: attachment!.device,
      Ebs: {
        VolumeId,
        AttachTime: new Date(attachment!.since),
        DeleteOnTermination: attachment!.deletesOnTermination,
        Status: attachment!.state,
      },
    }));
  return {
    InstanceId: name,
    ImageId: spec.image,
    InstanceType: spec.type as NonNullable<Instance["InstanceType"]>,
    State: stateView(status.state),
    LaunchTime: new Date(spec.launchedAt),
    AmiLaunchIndex: spec.launchIndex,
    Architecture: image?.architecture ?? "x86_64",
    Hypervisor: "xen", // EC2 says so of Nitro's KVM too, and clients know nothing else
    VirtualizationType: "hvm",
    RootDeviceType: image?.source.type === "disk" ? "ebs" : "instance-store",
    RootDeviceName: image?.source.type === "disk" ? (image.source.disks[0]?.device ?? "") : "",
    BlockDeviceMappings: isGone ? [] : disks,
    CpuOptions: { CoreCount: vcpus, ThreadsPerCore: 1 },
    Placement: {
      AvailabilityZone: subnet?.zone ?? `${region}a`,
      GroupName: placement.group?.title ?? "",
      Tenancy: "default",
    },
    Monitoring: { State: "disabled" },
    MetadataOptions: metadataOptionsView(metadata),
    HibernationOptions: { Configured: spec.mayHibernate === true },
    EbsOptimized: false,
    EnaSupport: false,
    SourceDestCheck: true,
    PrivateDnsName: isGone ? "" : dnsName,
    PublicDnsName: isGone ? "" : (status.publicIp ?? ""),
    StateTransitionReason: status.reason && status.state !== "running" ? status.reason.message : "",
    ...(status.reason &&
      status.state !== "running" && {
        StateReason: { Code: status.reason.code, Message: status.reason.message },
      }),
    ...(spec.clientToken !== undefined && { ClientToken: spec.clientToken }),
    ...(spec.keyName !== undefined && { KeyName: spec.keyName }),
    ...(market && {
      InstanceLifecycle: "spot" as const,
      SpotInstanceRequestId: market.request,
    }),
    ...(spec.profile !== undefined && {
      IamInstanceProfile: {
        Arn: `arn:aws:iam::${caller.accountId}:instance-profile/${spec.profile}`,
        Id: space.get("iam-instance-profile", iamName(caller.project, spec.profile))?.spec.id ?? "",
      },
    }),
    Tags: [...tagList(spec.tags), ...portsTag(status)],
    ...(!isGone && {
      SecurityGroups: groups,
      SubnetId: network.subnet,
      VpcId: network.vpc,
      PrivateIpAddress: network.privateIp,
      ...(status.publicIp !== undefined && { PublicIpAddress: status.publicIp }),
      NetworkInterfaces: [
        {
          NetworkInterfaceId: network.interface,
          Status: "in-use" as const,
          MacAddress: network.mac,
          PrivateIpAddress: network.privateIp,
          PrivateDnsName: dnsName,
          PrivateIpAddresses: [
            { Primary: true, PrivateIpAddress: network.privateIp, PrivateDnsName: dnsName },
          ],
          SubnetId: network.subnet,
          VpcId: network.vpc,
          Groups: groups,
          OwnerId: caller.accountId,
          SourceDestCheck: true,
          InterfaceType: "interface",
          Ipv6Addresses: [],
          Attachment: { DeviceIndex: 0, Status: "attached", DeleteOnTermination: true },
        },
      ],
    }),
  };
}
