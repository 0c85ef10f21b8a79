import type { BlockDeviceMapping, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { DiskWish, LaunchWish } from "#/instances/launch.ts";
import type { AwsContext } from "../call.ts";
import { clientTokenOf } from "./client-token.ts";
import { asksForIpv6, refuseIpv6 } from "./ipv6.ts";
import { requireMetadata } from "./metadata-options.ts";
import { placementGroup } from "./placement-groups.ts";
import { tagsFor } from "./tag-list.ts";
import { volumeKeyArn } from "./volume-key.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** What a call wants launched. Throws "UnsupportedOperation" for what is not to be had here. */
export function launchWish(
  input: RunInstancesCommandInput,
  context: Pick<AwsContext, "caller" | "parts">,
): LaunchWish {
  const { caller } = context;
  const { MetadataOptions = {}, Placement = {}, IamInstanceProfile, TagSpecifications } = input;
  const [first, ...others] = input.NetworkInterfaces ?? [];
  if (others.length > 0)
    throw new AwsError("UnsupportedOperation", 400, "An instance has one network interface here.");
  refuseIpv6(asksForIpv6(input));
  if (Placement.Tenancy === "dedicated")
    throw new AwsError(
      "UnsupportedOperation",
      400,
      "An instance shares its machine with others of any project here: name a host that is your project's alone, by HostId.",
    );
  requireMetadata(MetadataOptions);
  const { Arn, Name = Arn?.slice(Arn.lastIndexOf("/") + 1) } = IamInstanceProfile ?? {};
  return {
    project: caller.project,
    accountId: caller.accountId,
    image: input.ImageId,
    type: input.InstanceType,
    min: input.MinCount ?? 1,
    max: input.MaxCount ?? 1,
    subnet: first?.SubnetId ?? input.SubnetId,
    groups: first?.Groups ?? input.SecurityGroupIds,
    groupTitles: input.SecurityGroups,
    privateIp: first?.PrivateIpAddress ?? input.PrivateIpAddress,
    hasPublicAddress: first?.AssociatePublicIpAddress,
    disks: (input.BlockDeviceMappings ?? []).map((mapping) => diskWish(mapping, context)),
    volumeTags: tagsFor("volume", TagSpecifications),
    keyName: input.KeyName,
    userData: input.UserData,
    profile: Name,
    metadata: {
      isEnabled: MetadataOptions.HttpEndpoint !== "disabled",
      hopLimit: MetadataOptions.HttpPutResponseHopLimit,
      hasTags: MetadataOptions.InstanceMetadataTags === "enabled",
    },
    placement: {
      ...(Placement.AvailabilityZone !== undefined && { zone: Placement.AvailabilityZone }),
      ...(Placement.HostId !== undefined && { machine: Placement.HostId }),
      ...(Placement.GroupName && { group: placementOf(Placement.GroupName, context) }),
    },
    onShutdown: input.InstanceInitiatedShutdownBehavior === "terminate" ? "terminate" : "stop",
    isTerminationProtected: input.DisableApiTermination === true,
    isStopProtected: input.DisableApiStop === true,
    mayHibernate: input.HibernationOptions?.Configured === true,
    isRecovered: input.MaintenanceOptions?.AutoRecovery === "default",
    clientToken: clientTokenOf(input),
    tags: tagsFor("instance", TagSpecifications),
  };
}

function placementOf(name: string, context: Pick<AwsContext, "caller" | "parts">) {
  const { title, strategy } = placementGroup(name, context).spec;
  return { title, strategy };
}

function diskWish(
  { DeviceName = "", NoDevice, Ebs = {} }: BlockDeviceMapping,
  context: Pick<AwsContext, "caller" | "parts">,
): DiskWish {
  return {
    device: DeviceName,
    isLeftOut: NoDevice !== undefined,
    type: Ebs.VolumeType,
    sizeBytes: Ebs.VolumeSize === undefined ? undefined : Ebs.VolumeSize * GiB,
    iops: Ebs.Iops,
    bytesPerSecond: Ebs.Throughput === undefined ? undefined : Ebs.Throughput * MiB,
    snapshot: Ebs.SnapshotId,
    isEncrypted: Ebs.Encrypted === true,
    kmsKeyId: volumeKeyArn(Ebs, context),
    deletesOnTermination: Ebs.DeleteOnTermination,
  };
}
