import type {
  DescribeInstanceTypeOfferingsCommandInput,
  DescribeInstanceTypeOfferingsCommandOutput,
  DescribeInstanceTypesCommandInput,
  DescribeInstanceTypesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import { instanceTypes, type InstanceKind, type InstanceType } from "#/model/instance-type.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import type { Facts } from "./filters.ts";
import { instanceTypeView, isBurstable } from "./instance-type-view.ts";
import { listed } from "./listing.ts";
import { zonesOf } from "./zones.ts";

type Numbered = InstanceType & { serial: number };

const types: readonly Numbered[] = [...instanceTypes.values()].map((type, serial) => ({
  ...type,
  serial,
}));

const MiB = 2 ** 20;

export const describeInstanceTypes: AwsOperation<
  DescribeInstanceTypesCommandInput,
  DescribeInstanceTypesCommandOutput
> = {
  asks: () => askOfAll("DescribeInstanceTypes"),
  run({ InstanceTypes, ...asked }) {
    const { items, more } = listed(
      { ids: InstanceTypes, ...asked },
      { all: () => types, find, facts, pageMax: 100, orderOf: ({ name }) => name },
    );
    return { InstanceTypes: items.map(instanceTypeView), ...more };
  },
};

function find(names: readonly string[]): Numbered[] {
  const found = types.filter(({ name }) => names.includes(name));
  const missing = names.filter((asked) => !found.some(({ name }) => name === asked));
  if (missing.length === 0) return found;
  throw new AwsError(
    "InvalidInstanceType",
    400,
    `The following supplied instance types do not exist: [${missing.slice(0, 10).join(", ").slice(0, 200)}]`,
  );
}

const isGuest = ({ kind }: InstanceType) => kind === "microvm" || kind === "vm";

const facts: Facts<Numbered> = {
  "instance-type": ({ name }) => name,
  "current-generation": () => "true",
  "bare-metal": () => "false",
  "free-tier-eligible": () => "false",
  "supported-usage-class": () => ["on-demand", "spot"],
  "supported-root-device-type": (type) =>
    isGuest(type) ? ["ebs", "instance-store"] : ["instance-store"],
  "supported-virtualization-type": () => "hvm",
  "supported-boot-mode": () => "legacy-bios",
  hypervisor: (type) => (isGuest(type) ? "nitro" : undefined),
  "processor-info.supported-architecture": () => "x86_64",
  "vcpu-info.default-vcpus": ({ vcpus }) => String(vcpus),
  "vcpu-info.default-cores": ({ vcpus }) => String(vcpus),
  "vcpu-info.default-threads-per-core": () => "1",
  "memory-info.size-in-mib": ({ memoryBytes }) => String(memoryBytes / MiB),
  "instance-storage-supported": () => "false",
  "hibernation-supported": (type) => String(isGuest(type)),
  "burstable-performance-supported": (type) => String(isBurstable(type)),
  "auto-recovery-supported": () => "true",
  "dedicated-hosts-supported": () => "false",
  "ebs-info.ebs-optimized-support": () => "unsupported",
  "ebs-info.encryption-support": () => "supported",
  "network-info.ena-support": () => "unsupported",
  "network-info.ipv6-supported": () => "false",
};

/** Types that a machine here can run. */
export const describeInstanceTypeOfferings: AwsOperation<
  DescribeInstanceTypeOfferingsCommandInput,
  DescribeInstanceTypeOfferingsCommandOutput
> = {
  asks: () => askOfAll("DescribeInstanceTypeOfferings"),
  run({ LocationType = "region", ...asked }, context) {
    const location = locationOf(LocationType, context);
    const kinds = kindsHosted(context);
    const { items, more } = listed(asked, {
      all: () => types.filter(({ kind }) => kinds.has(kind)),
      find: () => [],
      facts: { "instance-type": ({ name }) => name, location: () => location },
      orderOf: ({ name }) => name,
    });
    return {
      InstanceTypeOfferings: items.map(({ name }) => ({
        InstanceType: name as "t3.micro",
        LocationType,
        Location: location,
      })),
      ...more,
    };
  },
};

/** All machines that joined are the first zone. */
function locationOf(type: string, context: AwsContext): string {
  const { region } = context.parts;
  const [first] = zonesOf(context);
  switch (type) {
    case "region":
      return region;
    case "availability-zone":
      return first!.ZoneName!;
    case "availability-zone-id":
      return first!.ZoneId!;
    default:
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${type.slice(0, 100)}) for parameter locationType is invalid.`,
      );
  }
}

export function kindsHosted({ parts }: AwsContext): Set<InstanceKind> {
  return new Set(
    [...parts.space.all("machine")].flatMap(({ status }) => status.hosting?.kinds ?? []),
  );
}
