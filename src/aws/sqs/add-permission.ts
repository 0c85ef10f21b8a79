import type { AddPermissionCommandInput, AddPermissionCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { checkedPolicy } from "./attributes.ts";
import { invalid } from "./messages.ts";
import { policyOf, type QueuePolicy } from "./policy.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

/** What others may be let do, each with its batch; the rest is the owner's. */
const permitted = new Set([
  "*",
  "ChangeMessageVisibility",
  "DeleteMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "PurgeQueue",
  "ReceiveMessage",
  "SendMessage",
]);

/** One statement more in the queue's policy. */
export const addPermission: AwsOperation<AddPermissionCommandInput, AddPermissionCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("AddPermission", QueueUrl, context),
  run({ QueueUrl, Label = "", AWSAccountIds = [], Actions = [] }, context) {
    const { queues } = context.parts;
    const queue = queueOf(QueueUrl, context);
    if (!/^[\w-]{1,80}$/.test(Label))
      throw invalid(
        "InvalidParameterValue",
        `Value ${Label.slice(0, 80)} for parameter Label is invalid. Reason: it can only have alphanumeric characters, hyphens and underscores.`,
      );
    const policy: QueuePolicy = policyOf(queue.spec.policy, queues.arnOf(queue));
    if (policy.Statement.some(({ Sid }) => Sid === Label))
      throw invalid(
        "InvalidParameterValue",
        `Value ${Label} for parameter Label is invalid. Reason: Already exists.`,
      );
    if (AWSAccountIds.length === 0 || !AWSAccountIds.every((id) => /^\d{12}$/.test(id)))
      throw invalid(
        "InvalidParameterValue",
        `Value ${JSON.stringify(AWSAccountIds).slice(0, 100)} for parameter PrincipalId is invalid. Reason: Unable to verify.`,
      );
    if (Actions.length === 0 || !Actions.every((action) => /^(?:\*|[A-Za-z]{1,64})$/.test(action)))
      throw invalid(
        "InvalidParameterValue",
        `Value ${JSON.stringify(Actions).slice(0, 100)} for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions.`,
      );
    const refused = Actions.find((action) => !permitted.has(action));
    if (refused !== undefined)
      throw invalid(
        "InvalidParameterValue",
        `Value SQS:${refused} for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.`,
      );
    policy.Statement.push({
      Sid: Label,
      Effect: "Allow",
      Principal: { AWS: AWSAccountIds.map((id) => `arn:aws:iam::${id}:root`) },
      Action: Actions.map((action) => `SQS:${action}`),
      Resource: queues.arnOf(queue),
    });
    queues.change(queue, { policy: checkedPolicy(JSON.stringify(policy)) });
    return {};
  },
};
