import type {
  DescribeHostsCommandInput,
  DescribeHostsCommandOutput,
  Host,
} from "@aws-sdk/client-ec2";
import { zoneOf, zonesOf } from "#/instances/zones.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";

/** Machines that are the caller's project's alone; those that projects share are nobody's to see. */
export const describeHosts: AwsOperation<DescribeHostsCommandInput, DescribeHostsCommandOutput> = {
  asks: () => askOfAll("DescribeHosts"),
  run({ HostIds, Filter, MaxResults, NextToken }, context) {
    const all = () => dedicated(context);
    const { items, more } = listed(
      { ids: HostIds, Filters: Filter, MaxResults, NextToken },
      {
        all,
        find: (ids) => find(ids, all()),
        facts: {
          "host-id": ({ name }: MachineRecord) => name,
          state: () => "available",
          "availability-zone": (machine) => zoneOf(machine, zonesOf(context.parts.space)),
          "auto-placement": () => "on",
        },
      },
    );
    return { Hosts: items.map((machine) => hostView(machine, context)), ...more };
  },
};

function dedicated({ parts, caller }: AwsContext): MachineRecord[] {
  return [...parts.space.all("machine")].filter(
    ({ spec, status }) => status.hosting && spec.reservedForProject === caller.project,
  );
}

function find(ids: readonly string[], all: readonly MachineRecord[]): MachineRecord[] {
  const missing = ids.find((id) => !all.some(({ name }) => name === id));
  if (missing === undefined) return all.filter(({ name }) => ids.includes(name));
  throw new AwsError(
    "InvalidHostID.NotFound",
    400,
    `The host ID '${missing.slice(0, 100)}' does not exist`,
  );
}

function hostView(machine: MachineRecord, context: AwsContext): Host {
  const { name, spec, status } = machine;
  const { capacity } = status;
  return {
    HostId: name,
    State: "available",
    AutoPlacement: "on",
    AllocationTime: new Date(spec.joinedAt),
    AvailabilityZone: zoneOf(machine, zonesOf(context.parts.space)),
    OwnerId: context.caller.accountId,
    HostProperties: {
      Cores: Math.floor(capacity.milliCpus / 1000),
      TotalVCpus: Math.floor(capacity.milliCpus / 1000),
    },
    Instances: ownAll("instance", context)
      .filter((one) => one.status.machine === name && one.status.state !== "terminated")
      .map((one) => ({ InstanceId: one.name, InstanceType: one.spec.type })),
    Tags: [],
  };
}
