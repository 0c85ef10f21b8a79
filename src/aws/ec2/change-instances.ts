import type {
  InstanceStateChange,
  RebootInstancesCommandInput,
  RebootInstancesCommandOutput,
  StartInstancesCommandInput,
  StartInstancesCommandOutput,
  StopInstancesCommandInput,
  StopInstancesCommandOutput,
  TerminateInstancesCommandInput,
  TerminateInstancesCommandOutput,
} from "@aws-sdk/client-ec2";
import { volumesOf } from "#/instances/bind.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { stateView } from "./instance-view.ts";
import { asksToOpen } from "./volume-key.ts";

function findAll(ids: readonly string[] | undefined, context: AwsContext): InstanceRecord[] {
  if (!ids?.length)
    throw new AwsError(
      "MissingParameter",
      400,
      "The request must contain the parameter InstanceId",
    );
  return context.parts.instances.find(context.caller.project, [...new Set(ids)]);
}

/** What each was before, and is now. */
function changes(
  before: readonly InstanceRecord[],
  after: readonly InstanceRecord[],
): InstanceStateChange[] {
  return after.map(({ name, status }, index) => ({
    InstanceId: name,
    CurrentState: stateView(status.state),
    PreviousState: stateView(before[index]!.status.state),
  }));
}

const volumesOfAll = (ids: readonly string[], { parts }: AwsContext) =>
  ids.flatMap((id) => volumesOf(parts.space, id).map(({ name }) => name));

export const startInstances: AwsOperation<StartInstancesCommandInput, StartInstancesCommandOutput> =
  {
    asks: ({ InstanceIds = [] }, context) => [
      ...askOf("StartInstances", InstanceIds, context),
      ...asksToOpen(volumesOfAll(InstanceIds, context), context),
    ],
    run({ InstanceIds }, context) {
      const before = findAll(InstanceIds, context);
      return { StartingInstances: changes(before, context.parts.instances.start(before)) };
    },
  };

export const stopInstances: AwsOperation<StopInstancesCommandInput, StopInstancesCommandOutput> = {
  asks: ({ InstanceIds = [] }, context) => askOf("StopInstances", InstanceIds, context),
  run({ InstanceIds, Hibernate: hibernates = false }, context) {
    const before = findAll(InstanceIds, context);
    const stopped = context.parts.instances.stop(before, { hibernates });
    return { StoppingInstances: changes(before, stopped) };
  },
};

export const rebootInstances: AwsOperation<
  RebootInstancesCommandInput,
  RebootInstancesCommandOutput
> = {
  asks: ({ InstanceIds = [] }, context) => askOf("RebootInstances", InstanceIds, context),
  run({ InstanceIds }, context) {
    context.parts.instances.reboot(findAll(InstanceIds, context));
    return {};
  },
};

export const terminateInstances: AwsOperation<
  TerminateInstancesCommandInput,
  TerminateInstancesCommandOutput
> = {
  asks: ({ InstanceIds = [] }, context) => askOf("TerminateInstances", InstanceIds, context),
  run({ InstanceIds }, context) {
    const before = findAll(InstanceIds, context);
    return { TerminatingInstances: changes(before, context.parts.instances.terminate(before)) };
  },
};
