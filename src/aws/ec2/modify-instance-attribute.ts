import type {
  AttributeBooleanValue,
  ModifyInstanceAttributeCommandInput,
  ModifyInstanceAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { changeInstance, type InstanceChange } from "#/instances/change-instance.ts";
import { requireType, requireUserData } from "#/instances/launch.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { own, ownOne } from "./own.ts";

type Input = ModifyInstanceAttributeCommandInput;

/** Changes one attribute or several. What can only be changed while it is stopped is "IncorrectInstanceState" else. */
export const modifyInstanceAttribute: AwsOperation<Input, ModifyInstanceAttributeCommandOutput> = {
  asks: ({ InstanceId = "" }, context) => askOf("ModifyInstanceAttribute", [InstanceId], context),
  run(input, context) {
    const record = ownOne("instance", input.InstanceId, context);
    const change = changeOf(byName(input), record, context);
    if (Object.keys(change).length > 0) changeInstance(context.parts.space, record, change);
    return {};
  },
};

/** `Attribute` and `Value` say the same as the field of that name. */
function byName(input: Input): Input {
  const { Attribute, Value } = input;
  if (Attribute === undefined || Value === undefined) return input;
  const text = { Value };
  const flag = { Value: Value === "true" };
  switch (Attribute) {
    case "instanceType":
      return { ...input, InstanceType: text };
    case "userData":
      return { ...input, UserData: { Value: Buffer.from(Value, "base64") } };
    case "instanceInitiatedShutdownBehavior":
      return { ...input, InstanceInitiatedShutdownBehavior: text };
    case "disableApiTermination":
      return { ...input, DisableApiTermination: flag };
    case "disableApiStop":
      return { ...input, DisableApiStop: flag };
    case "sourceDestCheck":
      return { ...input, SourceDestCheck: flag };
    default:
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${String(Attribute).slice(0, 100)}) for parameter attribute is invalid. It cannot be modified.`,
      );
  }
}

function changeOf(input: Input, record: InstanceRecord, context: AwsContext): InstanceChange {
  refuse("sourceDestCheck", input.SourceDestCheck, false);
  refuse("ebsOptimized", input.EbsOptimized, true);
  refuse("enaSupport", input.EnaSupport, true);
  const { InstanceType, UserData, InstanceInitiatedShutdownBehavior: onShutdown } = input;
  const { Groups, DisableApiStop, DisableApiTermination, BlockDeviceMappings } = input;
  return {
    ...(InstanceType?.Value !== undefined && {
      type: requireType(InstanceType.Value, kindsFor(record, context)),
    }),
    ...(UserData && { userData: requireUserData(base64(UserData.Value)) }),
    ...(onShutdown?.Value !== undefined && { onShutdown: behaviour(onShutdown.Value) }),
    ...(DisableApiTermination?.Value !== undefined && {
      isTerminationProtected: DisableApiTermination.Value,
    }),
    ...(DisableApiStop?.Value !== undefined && { isStopProtected: DisableApiStop.Value }),
    ...(Groups && { groups: groupsFor(Groups, record, context) }),
    ...(BlockDeviceMappings && {
      deletesOnTermination: new Map(
        BlockDeviceMappings.flatMap(({ DeviceName = "", Ebs }) =>
          Ebs?.DeleteOnTermination === undefined ? [] : [[DeviceName, Ebs.DeleteOnTermination]],
        ),
      ),
    }),
  };
}

const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("base64");

/** One that is not to be had here. */
function refuse(name: string, asked: AttributeBooleanValue | undefined, value: boolean): void {
  if (asked?.Value === value)
    throw new AwsError(
      "UnsupportedOperation",
      400,
      `The attribute '${name}' cannot be ${value} here.`,
    );
}

/** What its image runs as; what it is, when the image is gone. */
function kindsFor({ spec }: InstanceRecord, { parts }: AwsContext) {
  return parts.space.get("image", spec.image)?.spec.kinds ?? [spec.kind];
}

function behaviour(value: string): "stop" | "terminate" {
  if (value === "stop" || value === "terminate") return value;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${value.slice(0, 100)}) for parameter instanceInitiatedShutdownBehavior is invalid.`,
  );
}

function groupsFor(ids: readonly string[], { spec }: InstanceRecord, context: AwsContext) {
  const groups = [...new Set(ids)];
  if (groups.length === 0)
    throw new AwsError("InvalidParameterValue", 400, "An instance is in one group at least.");
  const wrong = own("security-group", groups, context).find(
    (group) => group.spec.vpc !== spec.network.vpc,
  );
  if (!wrong) return groups;
  throw new AwsError(
    "InvalidGroup.NotFound",
    400,
    `The security group '${wrong.name}' does not exist in VPC '${spec.network.vpc}'`,
  );
}
