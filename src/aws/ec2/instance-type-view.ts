import type { InstanceTypeInfo } from "@aws-sdk/client-ec2";
import type { InstanceType } from "#/model/instance-type.ts";

const MiB = 2 ** 20;

/** A type as EC2 tells it. */
export function instanceTypeView(type: InstanceType): InstanceTypeInfo {
  const { name, kind, vcpus, memoryBytes } = type;
  const isGuest = kind === "microvm" || kind === "vm";
  return {
    InstanceType: name as NonNullable<InstanceTypeInfo["InstanceType"]>,
    CurrentGeneration: true,
    FreeTierEligible: false,
    SupportedUsageClasses: ["on-demand", "spot"],
    SupportedRootDeviceTypes: isGuest ? ["ebs", "instance-store"] : ["instance-store"],
    SupportedVirtualizationTypes: ["hvm"],
    BareMetal: false,
    ...(isGuest && { Hypervisor: "nitro" as const }), // KVM's, as clients know it
    ProcessorInfo: { SupportedArchitectures: ["x86_64"] },
    VCpuInfo: { DefaultVCpus: vcpus, DefaultCores: vcpus, DefaultThreadsPerCore: 1 },
    MemoryInfo: { SizeInMiB: memoryBytes / MiB },
    InstanceStorageSupported: false,
    EbsInfo: {
      EbsOptimizedSupport: "unsupported",
      EncryptionSupport: "supported",
      NvmeSupport: "unsupported",
    },
    NetworkInfo: {
      MaximumNetworkInterfaces: 1,
      MaximumNetworkCards: 1,
      DefaultNetworkCardIndex: 0,
      Ipv4AddressesPerInterface: 1,
      Ipv6AddressesPerInterface: 0,
      Ipv6Supported: false,
      EnaSupport: "unsupported",
      EfaSupported: false,
    },
    PlacementGroupInfo: { SupportedStrategies: ["cluster", "spread"] },
    HibernationSupported: isGuest,
    BurstablePerformanceSupported: isBurstable(type),
    DedicatedHostsSupported: false,
    AutoRecoverySupported: true,
    SupportedBootModes: ["legacy-bios"],
    NitroEnclavesSupport: "unsupported",
  };
}

/** It sees more of processors than it holds. */
export const isBurstable = ({ milliCpus, vcpus }: InstanceType) => milliCpus < vcpus * 1000;
