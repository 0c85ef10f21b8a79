import type {
  DescribeInstanceStatusCommandInput,
  DescribeInstanceStatusCommandOutput,
  InstanceStatus,
} from "@aws-sdk/client-ec2";
import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import type { Facts } from "./filters.ts";
import { stateView } from "./instance-view.ts";
import { listed } from "./listing.ts";

/** Whether instances are well: they are while they run and their machine is connected. */
export const describeInstanceStatus: AwsOperation<
  DescribeInstanceStatusCommandInput,
  DescribeInstanceStatusCommandOutput
> = {
  asks: () => askOfAll("DescribeInstanceStatus"),
  run({ InstanceIds, IncludeAllInstances = false, ...asked }, context) {
    const { instances } = context.parts;
    const { project } = context.caller;
    const isTold = ({ status }: InstanceRecord) =>
      IncludeAllInstances || status.state === "running";
    const { items, more } = listed(
      { ids: InstanceIds, ...asked },
      {
        all: () => instances.list(project).filter(isTold),
        find: (ids) => instances.find(project, ids).filter(isTold),
        facts: factsOf(context),
      },
    );
    return { InstanceStatuses: items.map((record) => statusView(record, context)), ...more };
  },
};

type Health = "ok" | "impaired" | "not-applicable";

function healthOf({ status }: InstanceRecord, { parts }: AwsContext): Health {
  if (status.state !== "running") return "not-applicable";
  return status.machine !== undefined && parts.hosting.isConnected(status.machine)
    ? "ok"
    : "impaired";
}

const zoneOf = ({ spec }: InstanceRecord, { parts }: AwsContext) =>
  parts.space.get("subnet", spec.network.subnet)?.spec.zone;

function statusView(record: InstanceRecord, context: AwsContext): InstanceStatus {
  const health = healthOf(record, context);
  const Details =
    health === "not-applicable"
      ? []
      : [
          {
            Name: "reachability" as const,
            Status: health === "ok" ? ("passed" as const) : ("failed" as const),
          },
        ];
  return {
    InstanceId: record.name,
    AvailabilityZone: zoneOf(record, context),
    InstanceState: stateView(record.status.state),
    InstanceStatus: { Status: health, Details },
    SystemStatus: { Status: health, Details },
    Events: [],
  };
}

function factsOf(context: AwsContext): Facts<InstanceRecord> {
  const health = (record: InstanceRecord) => healthOf(record, context);
  const reachability = (record: InstanceRecord) => {
    const now = health(record);
    return now === "not-applicable" ? undefined : now === "ok" ? "passed" : "failed";
  };
  return {
    "availability-zone": (record) => zoneOf(record, context),
    "instance-state-name": ({ status }) => status.state,
    "instance-state-code": ({ status }) => String(stateView(status.state).Code),
    "instance-status.status": health,
    "instance-status.reachability": reachability,
    "system-status.status": health,
    "system-status.reachability": reachability,
    "event.code": () => undefined,
  };
}
