import type {
  CancelSpotInstanceRequestsCommandInput,
  CancelSpotInstanceRequestsCommandOutput,
  DescribeSpotInstanceRequestsCommandInput,
  DescribeSpotInstanceRequestsCommandOutput,
  RequestSpotInstancesCommandInput,
  RequestSpotInstancesCommandOutput,
  SpotInstanceRequest,
} from "@aws-sdk/client-ec2";
import type { LaunchWish } from "#/instances/launch.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { SpotRequestRecord, SpotRequestStatus } from "#/model/spot-request.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { clientTokenOf } from "./client-token.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { asksToPass, asksToUse, type Launch } from "./launch-asks.ts";
import { launchWish } from "./launch-wish.ts";
import { listed } from "./listing.ts";
import { own, ownAll } from "./own.ts";
import { priceText, spotAsked } from "./spot-asked.ts";
import { tagList, tagsFor } from "./tag-list.ts";

const countMax = 100;

/** What can be fulfilled is at once; the rest stays open. */
export const requestSpotInstances: AwsOperation<
  RequestSpotInstancesCommandInput,
  RequestSpotInstancesCommandOutput
> = {
  asks({ TagSpecifications, LaunchSpecification }, context) {
    const launch = (LaunchSpecification ?? {}) as Launch;
    return [
      ...askToMake("RequestSpotInstances", "spot-instances-request", context, TagSpecifications),
      ...asksToUse("RequestSpotInstances", launch, context),
      ...asksToPass(launch, context),
    ];
  },
  run({ InstanceCount = 1, LaunchSpecification, ...input }, context) {
    if (!LaunchSpecification)
      throw new AwsError(
        "MissingParameter",
        400,
        "The request must contain the parameter LaunchSpecification",
      );
    if (!(InstanceCount >= 1 && InstanceCount <= countMax))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${InstanceCount}) for parameter instanceCount is invalid. It must be between 1 and ${countMax}.`,
      );
    const { AddressingType: _type, Monitoring: _monitoring, ...launch } = LaunchSpecification;
    const wish = launchWish({ ...launch, MinCount: 1, MaxCount: 1 } as never, context);
    const asked = spotAsked(
      {
        MaxPrice: input.SpotPrice,
        SpotInstanceType: input.Type,
        InstanceInterruptionBehavior: input.InstanceInterruptionBehavior,
        ValidUntil: input.ValidUntil,
      },
      {
        clientToken: clientTokenOf(input),
        tags: tagsFor("spot-instances-request", input.TagSpecifications),
      },
    );
    const made = context.parts.spotRequests.request(wish, InstanceCount, asked);
    return { SpotInstanceRequests: made.map((record) => requestView(record, context)) };
  },
};

export const describeSpotInstanceRequests: AwsOperation<
  DescribeSpotInstanceRequestsCommandInput,
  DescribeSpotInstanceRequestsCommandOutput
> = {
  asks: () => askOfAll("DescribeSpotInstanceRequests"),
  run({ SpotInstanceRequestIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: SpotInstanceRequestIds, ...asked },
      {
        all: () => ownAll("spot-request", context),
        find: (ids) => own("spot-request", ids, context),
        facts: factsOf(context),
      },
    );
    return { SpotInstanceRequests: items.map((one) => requestView(one, context)), ...more };
  },
};

/** Instances of them go on. */
export const cancelSpotInstanceRequests: AwsOperation<
  CancelSpotInstanceRequestsCommandInput,
  CancelSpotInstanceRequestsCommandOutput
> = {
  asks: ({ SpotInstanceRequestIds = [] }, context) =>
    askOf("CancelSpotInstanceRequests", SpotInstanceRequestIds, context),
  run({ SpotInstanceRequestIds = [] }, context) {
    const records = own("spot-request", [...new Set(SpotInstanceRequestIds)], context);
    return {
      CancelledSpotInstanceRequests: records.map((record) => ({
        SpotInstanceRequestId: record.name,
        State: context.parts.spotRequests.cancel(record).status.state as "cancelled",
      })),
    };
  },
};

/** One that was for once is over with its instance. */
function statusOf({ spec, status }: SpotRequestRecord, { parts }: AwsContext): SpotRequestStatus {
  if (status.state !== "active" || spec.type !== "one-time") return status;
  const instance = parts.space.get("instance", status.instance ?? "");
  if (instance && instance.status.state !== "terminated") return status;
  const code = "instance-terminated-by-user";
  return { ...status, state: "closed", code, message: "The instance was terminated." };
}

function requestView(record: SpotRequestRecord, context: AwsContext): SpotInstanceRequest {
  const { name, spec } = record;
  const { state, code, message, since, instance } = statusOf(record, context);
  const wish = JSON.parse(spec.launch) as LaunchWish;
  const { space, region } = context.parts;
  return {
    SpotInstanceRequestId: name,
    SpotPrice: priceText(spec.maxMicrosPerHour),
    Type: spec.type,
    State: state,
    Status: { Code: code, Message: message, UpdateTime: new Date(since) },
    CreateTime: new Date(spec.createdAt),
    InstanceInterruptionBehavior: spec.onInterruption,
    ProductDescription: "Linux/UNIX",
    LaunchedAvailabilityZone: space.get("subnet", wish.subnet ?? "")?.spec.zone ?? `${region}a`,
    LaunchSpecification: {
      ImageId: wish.image,
      InstanceType: wish.type as "t3.micro" | undefined,
      KeyName: wish.keyName,
      SubnetId: wish.subnet,
      Monitoring: { Enabled: false },
    },
    ...(instance !== undefined && { InstanceId: instance }),
    ...(spec.validUntil !== undefined && { ValidUntil: new Date(spec.validUntil) }),
    Tags: tagList(spec.tags),
  };
}

const factsOf = (context: AwsContext): Facts<SpotRequestRecord> => ({
  "spot-instance-request-id": ({ name }) => name,
  "create-time": ({ spec }) => new Date(spec.createdAt).toISOString(),
  "instance-id": ({ status }) => status.instance,
  "spot-price": ({ spec }) => priceText(spec.maxMicrosPerHour),
  state: (record) => statusOf(record, context).state,
  "status-code": (record) => statusOf(record, context).code,
  "status-message": (record) => statusOf(record, context).message,
  type: ({ spec }) => spec.type,
  "product-description": () => "Linux/UNIX",
  "launch.image-id": ({ spec }) => (JSON.parse(spec.launch) as LaunchWish).image,
  "launch.instance-type": ({ spec }) => (JSON.parse(spec.launch) as LaunchWish).type,
  "launch.key-name": ({ spec }) => (JSON.parse(spec.launch) as LaunchWish).keyName,
  ...tagFacts<SpotRequestRecord>(),
});
