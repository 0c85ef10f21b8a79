import type {
  AvailabilityZone,
  DescribeAvailabilityZonesCommandInput,
  DescribeAvailabilityZonesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { filtered, type Facts } from "./filters.ts";
import { zonesOf } from "./zones.ts";

/** The machines that joined by themselves are the first zone, and each site is one, in the order in which they were added. */
export const describeAvailabilityZones: AwsOperation<
  DescribeAvailabilityZonesCommandInput,
  DescribeAvailabilityZonesCommandOutput
> = {
  asks: () => ({ action: "ec2:DescribeAvailabilityZones", resource: "*" }),
  run({ ZoneNames = [], ZoneIds = [], Filters }, context) {
    const zones = zonesOf(context);
    const wrong =
      ZoneNames.find((name) => !zones.some(({ ZoneName }) => ZoneName === name)) ??
      ZoneIds.find((id) => !zones.some(({ ZoneId }) => ZoneId === id));
    if (wrong !== undefined)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Invalid availability zone: [${wrong.slice(0, 100)}]`,
      );
    return {
      AvailabilityZones: filtered(zones, facts, Filters).filter(
        ({ ZoneName, ZoneId }) =>
          (ZoneNames.length === 0 || ZoneNames.includes(ZoneName!)) &&
          (ZoneIds.length === 0 || ZoneIds.includes(ZoneId!)),
      ),
    };
  },
};

const facts: Facts<AvailabilityZone> = {
  state: ({ State }) => State,
  "region-name": ({ RegionName }) => RegionName,
  "zone-name": ({ ZoneName }) => ZoneName,
  "zone-id": ({ ZoneId }) => ZoneId,
  "zone-type": ({ ZoneType }) => ZoneType,
  "group-name": ({ GroupName }) => GroupName,
  "opt-in-status": ({ OptInStatus }) => OptInStatus,
};
