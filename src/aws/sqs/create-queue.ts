import type { CreateQueueCommandInput, CreateQueueCommandOutput } from "@aws-sdk/client-sqs";
import { AwsError } from "#/model/aws-error.ts";
import type { QueueSpec } from "#/model/queue.ts";
import type { AwsOperation } from "../call.ts";
import { attributesOf, defaults, specOf } from "./attributes.ts";
import { ownArn, urlOf } from "./queue-of.ts";
import { checkRedrive } from "./redrive.ts";

/** A queue that is there already is answered, when it is as it is asked for. */
export const createQueue: AwsOperation<CreateQueueCommandInput, CreateQueueCommandOutput> = {
  asks: ({ QueueName = "" }, context) => ({
    action: "sqs:CreateQueue",
    resource: ownArn(QueueName, context),
  }),
  run({ QueueName = "", Attributes = {}, tags }, context) {
    const { parts, caller } = context;
    const isFifo = QueueName.endsWith(".fifo");
    checkName(QueueName, isFifo);
    const asked = specOf(Attributes as Record<string, string>, isFifo);
    if (isFifo && !asked.isFifo)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
      );
    const found = parts.queues.find(caller.project, QueueName);
    if (found) {
      checkSame(found.spec, asked);
      return { QueueUrl: urlOf(found, context) };
    }
    const { project } = caller;
    checkRedrive(asked, { arn: ownArn(QueueName, context), project, isFifo }, context);
    const now = parts.clock.now();
    const queue = parts.queues.create(caller.project, {
      ...defaults,
      ...asked,
      title: QueueName,
      accountId: caller.accountId,
      createdAt: now,
      changedAt: now,
      ...(tags && { tags }),
    });
    return { QueueUrl: urlOf(queue, context) };
  },
};

function checkName(name: string, isFifo: boolean): void {
  const stem = isFifo ? name.slice(0, -".fifo".length) : name;
  if (/^[\w-]{1,80}$/.test(stem) && name.length <= 80) return;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
  );
}

function checkSame(found: QueueSpec, asked: Partial<QueueSpec>): void {
  const [is, wanted] = [attributesOf(found), attributesOf({ ...found, ...asked })];
  for (const name of Object.keys(wanted))
    if (is[name] !== wanted[name])
      throw new AwsError(
        "QueueNameExists",
        400,
        `A queue already exists with the same name and a different value for attribute ${name}`,
      );
}
