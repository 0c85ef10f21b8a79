import type { Service } from "../service.ts";

export const ec2: Service = {
  name: "ec2",
  version: "2016-11-15",
  xmlNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
  protocols: ["ec2Query"],
  schemas: () => import("@aws-sdk/client-ec2"),
  operations: {
    AllocateAddress: async () => (await import("./addresses.ts")).allocateAddress,
    AssociateAddress: async () => (await import("./addresses.ts")).associateAddress,
    AttachVolume: async () => (await import("./volumes.ts")).attachVolume,
    AuthorizeSecurityGroupEgress: async () =>
      (await import("./security-group-rules.ts")).authorizeSecurityGroupEgress,
    AuthorizeSecurityGroupIngress: async () =>
      (await import("./security-group-rules.ts")).authorizeSecurityGroupIngress,
    CancelSpotInstanceRequests: async () =>
      (await import("./spot-requests.ts")).cancelSpotInstanceRequests,
    CopyImage: async () => (await import("./images.ts")).copyImage,
    CopySnapshot: async () => (await import("./snapshots.ts")).copySnapshot,
    CreateDefaultVpc: async () => (await import("./vpcs.ts")).createDefaultVpc,
    CreateImage: async () => (await import("./images.ts")).createImage,
    CreateKeyPair: async () => (await import("./key-pairs.ts")).createKeyPair,
    CreateLaunchTemplate: async () => (await import("./launch-templates.ts")).createLaunchTemplate,
    CreateLaunchTemplateVersion: async () =>
      (await import("./launch-template-versions.ts")).createLaunchTemplateVersion,
    CreatePlacementGroup: async () => (await import("./placement-groups.ts")).createPlacementGroup,
    CreateSecurityGroup: async () => (await import("./security-groups.ts")).createSecurityGroup,
    CreateSnapshot: async () => (await import("./snapshots.ts")).createSnapshot,
    CreateSnapshots: async () => (await import("./snapshots.ts")).createSnapshots,
    CreateSubnet: async () => (await import("./subnets.ts")).createSubnet,
    CreateTags: async () => (await import("./tags.ts")).createTags,
    CreateVolume: async () => (await import("./volumes.ts")).createVolume,
    CreateVpc: async () => (await import("./vpcs.ts")).createVpc,
    DeleteKeyPair: async () => (await import("./key-pairs.ts")).deleteKeyPair,
    DeleteLaunchTemplate: async () => (await import("./launch-templates.ts")).deleteLaunchTemplate,
    DeleteLaunchTemplateVersions: async () =>
      (await import("./launch-template-versions.ts")).deleteLaunchTemplateVersions,
    DeletePlacementGroup: async () => (await import("./placement-groups.ts")).deletePlacementGroup,
    DeleteSecurityGroup: async () => (await import("./security-groups.ts")).deleteSecurityGroup,
    DeleteSnapshot: async () => (await import("./snapshots.ts")).deleteSnapshot,
    DeleteSubnet: async () => (await import("./subnets.ts")).deleteSubnet,
    DeleteTags: async () => (await import("./tags.ts")).deleteTags,
    DeleteVolume: async () => (await import("./volumes.ts")).deleteVolume,
    DeleteVpc: async () => (await import("./vpcs.ts")).deleteVpc,
    DeregisterImage: async () => (await import("./images.ts")).deregisterImage,
    DescribeAccountAttributes: async () =>
      (await import("./describe-account-attributes.ts")).describeAccountAttributes,
    DescribeAddresses: async () => (await import("./addresses.ts")).describeAddresses,
    DescribeAvailabilityZones: async () =>
      (await import("./describe-availability-zones.ts")).describeAvailabilityZones,
    DescribeDhcpOptions: async () => (await import("./routes.ts")).describeDhcpOptions,
    DescribeHosts: async () => (await import("./describe-hosts.ts")).describeHosts,
    DescribeImageAttribute: async () =>
      (await import("./image-attribute.ts")).describeImageAttribute,
    DescribeImages: async () => (await import("./describe-images.ts")).describeImages,
    DescribeInstanceAttribute: async () =>
      (await import("./describe-instance-attribute.ts")).describeInstanceAttribute,
    DescribeInstanceCreditSpecifications: async () =>
      (await import("./instance-extras.ts")).describeInstanceCreditSpecifications,
    DescribeInstanceStatus: async () =>
      (await import("./describe-instance-status.ts")).describeInstanceStatus,
    DescribeInstanceTypeOfferings: async () =>
      (await import("./describe-instance-types.ts")).describeInstanceTypeOfferings,
    DescribeInstanceTypes: async () =>
      (await import("./describe-instance-types.ts")).describeInstanceTypes,
    DescribeInstances: async () => (await import("./describe-instances.ts")).describeInstances,
    DescribeInternetGateways: async () => (await import("./routes.ts")).describeInternetGateways,
    DescribeKeyPairs: async () => (await import("./key-pairs.ts")).describeKeyPairs,
    DescribeLaunchTemplateVersions: async () =>
      (await import("./launch-template-versions.ts")).describeLaunchTemplateVersions,
    DescribeLaunchTemplates: async () =>
      (await import("./launch-templates.ts")).describeLaunchTemplates,
    DescribeNetworkAcls: async () => (await import("./routes.ts")).describeNetworkAcls,
    DescribeNetworkInterfaces: async () =>
      (await import("./network-interfaces.ts")).describeNetworkInterfaces,
    DescribePlacementGroups: async () =>
      (await import("./placement-groups.ts")).describePlacementGroups,
    DescribeRegions: async () => (await import("./describe-regions.ts")).describeRegions,
    DescribeRouteTables: async () => (await import("./routes.ts")).describeRouteTables,
    DescribeSecurityGroupRules: async () =>
      (await import("./security-group-rules.ts")).describeSecurityGroupRules,
    DescribeSecurityGroups: async () =>
      (await import("./security-groups.ts")).describeSecurityGroups,
    DescribeSnapshotAttribute: async () =>
      (await import("./snapshot-attribute.ts")).describeSnapshotAttribute,
    DescribeSnapshots: async () => (await import("./snapshots.ts")).describeSnapshots,
    DescribeSpotInstanceRequests: async () =>
      (await import("./spot-requests.ts")).describeSpotInstanceRequests,
    DescribeSpotPriceHistory: async () =>
      (await import("./describe-spot-price-history.ts")).describeSpotPriceHistory,
    DescribeSubnets: async () => (await import("./subnets.ts")).describeSubnets,
    DescribeTags: async () => (await import("./tags.ts")).describeTags,
    DescribeVolumeAttribute: async () =>
      (await import("./describe-volumes.ts")).describeVolumeAttribute,
    DescribeVolumeStatus: async () => (await import("./describe-volumes.ts")).describeVolumeStatus,
    DescribeVolumes: async () => (await import("./describe-volumes.ts")).describeVolumes,
    DescribeVolumesModifications: async () =>
      (await import("./modify-volume.ts")).describeVolumesModifications,
    DescribeVpcAttribute: async () => (await import("./vpcs.ts")).describeVpcAttribute,
    DescribeVpcs: async () => (await import("./vpcs.ts")).describeVpcs,
    DetachVolume: async () => (await import("./volumes.ts")).detachVolume,
    DisassociateAddress: async () => (await import("./addresses.ts")).disassociateAddress,
    GetConsoleOutput: async () => (await import("./get-console-output.ts")).getConsoleOutput,
    GetConsoleScreenshot: async () =>
      (await import("./get-console-screenshot.ts")).getConsoleScreenshot,
    GetPasswordData: async () => (await import("./instance-extras.ts")).getPasswordData,
    ImportKeyPair: async () => (await import("./key-pairs.ts")).importKeyPair,
    ModifyImageAttribute: async () => (await import("./image-attribute.ts")).modifyImageAttribute,
    ModifyInstanceAttribute: async () =>
      (await import("./modify-instance-attribute.ts")).modifyInstanceAttribute,
    ModifyInstanceMetadataOptions: async () =>
      (await import("./metadata-options.ts")).modifyInstanceMetadataOptions,
    ModifyLaunchTemplate: async () => (await import("./launch-templates.ts")).modifyLaunchTemplate,
    ModifySecurityGroupRules: async () =>
      (await import("./change-security-rules.ts")).modifySecurityGroupRules,
    ModifySnapshotAttribute: async () =>
      (await import("./snapshot-attribute.ts")).modifySnapshotAttribute,
    ModifySubnetAttribute: async () => (await import("./subnets.ts")).modifySubnetAttribute,
    ModifyVolume: async () => (await import("./modify-volume.ts")).modifyVolume,
    ModifyVolumeAttribute: async () =>
      (await import("./describe-volumes.ts")).modifyVolumeAttribute,
    ModifyVpcAttribute: async () => (await import("./vpcs.ts")).modifyVpcAttribute,
    MonitorInstances: async () => (await import("./instance-extras.ts")).monitorInstances,
    RebootInstances: async () => (await import("./change-instances.ts")).rebootInstances,
    RegisterImage: async () => (await import("./images.ts")).registerImage,
    ReleaseAddress: async () => (await import("./addresses.ts")).releaseAddress,
    RequestSpotInstances: async () => (await import("./spot-requests.ts")).requestSpotInstances,
    ResetImageAttribute: async () => (await import("./image-attribute.ts")).resetImageAttribute,
    ResetSnapshotAttribute: async () =>
      (await import("./snapshot-attribute.ts")).resetSnapshotAttribute,
    RevokeSecurityGroupEgress: async () =>
      (await import("./security-group-rules.ts")).revokeSecurityGroupEgress,
    RevokeSecurityGroupIngress: async () =>
      (await import("./security-group-rules.ts")).revokeSecurityGroupIngress,
    RunInstances: async () => (await import("./run-instances.ts")).runInstances,
    StartInstances: async () => (await import("./change-instances.ts")).startInstances,
    StopInstances: async () => (await import("./change-instances.ts")).stopInstances,
    TerminateInstances: async () => (await import("./change-instances.ts")).terminateInstances,
    UnmonitorInstances: async () => (await import("./instance-extras.ts")).unmonitorInstances,
    UpdateSecurityGroupRuleDescriptionsEgress: async () =>
      (await import("./change-security-rules.ts")).updateSecurityGroupRuleDescriptionsEgress,
    UpdateSecurityGroupRuleDescriptionsIngress: async () =>
      (await import("./change-security-rules.ts")).updateSecurityGroupRuleDescriptionsIngress,
  },
};
