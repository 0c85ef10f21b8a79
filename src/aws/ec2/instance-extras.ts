import type {
  DescribeInstanceCreditSpecificationsCommandInput,
  DescribeInstanceCreditSpecificationsCommandOutput,
  GetPasswordDataCommandInput,
  GetPasswordDataCommandOutput,
  MonitorInstancesCommandInput,
  MonitorInstancesCommandOutput,
  UnmonitorInstancesCommandInput,
  UnmonitorInstancesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll } from "./asks.ts";
import { isBurstable } from "./instance-type-view.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";

/** Those that hold less than they see may always use what nobody else wants: there are no credits to run out of. */
export const describeInstanceCreditSpecifications: AwsOperation<
  DescribeInstanceCreditSpecificationsCommandInput,
  DescribeInstanceCreditSpecificationsCommandOutput
> = {
  asks: () => askOfAll("DescribeInstanceCreditSpecifications"),
  run({ InstanceIds, ...asked }, context) {
    const burstable = ({ spec }: { spec: { type: string } }) => {
      const type = instanceTypes.get(spec.type);
      return type !== undefined && isBurstable(type);
    };
    const { items, more } = listed(
      { ids: InstanceIds, ...asked },
      {
        all: () => ownAll("instance", context).filter(burstable),
        find: (ids) => own("instance", ids, context).filter(burstable),
        facts: { "instance-id": ({ name }) => name },
      },
    );
    return {
      InstanceCreditSpecifications: items.map(({ name }) => ({
        InstanceId: name,
        CpuCredits: "unlimited",
      })),
      ...more,
    };
  },
};

/** There is no detailed monitoring: it is asked for, and stays off. */
function unmonitored(ids: readonly string[] = [], context: AwsContext) {
  return {
    InstanceMonitorings: own("instance", ids, context).map(({ name }) => ({
      InstanceId: name,
      Monitoring: { State: "disabled" as const },
    })),
  };
}

export const monitorInstances: AwsOperation<
  MonitorInstancesCommandInput,
  MonitorInstancesCommandOutput
> = {
  asks: ({ InstanceIds = [] }, context) => askOf("MonitorInstances", InstanceIds, context),
  run: ({ InstanceIds }, context) => unmonitored(InstanceIds, context),
};

export const unmonitorInstances: AwsOperation<
  UnmonitorInstancesCommandInput,
  UnmonitorInstancesCommandOutput
> = {
  asks: ({ InstanceIds = [] }, context) => askOf("UnmonitorInstances", InstanceIds, context),
  run: ({ InstanceIds }, context) => unmonitored(InstanceIds, context),
};

/** Windows' alone. */
export const getPasswordData: AwsOperation<
  GetPasswordDataCommandInput,
  GetPasswordDataCommandOutput
> = {
  asks: ({ InstanceId = "" }, context) => askOf("GetPasswordData", [InstanceId], context),
  run({ InstanceId }, context) {
    const { name } = ownOne("instance", InstanceId, context);
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `The instance '${name}' is not one of Windows: it has no password, but the key pair that it was launched with.`,
    );
  },
};
