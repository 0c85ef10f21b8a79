import type {
  RemovePermissionCommandInput,
  RemovePermissionCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { invalid } from "./messages.ts";
import { policyOf } from "./policy.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const removePermission: AwsOperation<
  RemovePermissionCommandInput,
  RemovePermissionCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("RemovePermission", QueueUrl, context),
  run({ QueueUrl, Label = "" }, context) {
    const { queues } = context.parts;
    const queue = queueOf(QueueUrl, context);
    const policy = policyOf(queue.spec.policy, queues.arnOf(queue));
    const left = policy.Statement.filter(({ Sid }) => Sid !== Label);
    if (left.length === policy.Statement.length)
      throw invalid(
        "InvalidParameterValue",
        `Value ${Label.slice(0, 80)} for parameter Label is invalid. Reason: can't find label.`,
      );
    const text = left.length === 0 ? undefined : JSON.stringify({ ...policy, Statement: left });
    queues.change(queue, { policy: text } as { policy: string });
    return {};
  },
};
