import type { TagQueueCommandInput, TagQueueCommandOutput } from "@aws-sdk/client-sqs";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

const tagsMax = 50;

export const tagQueue: AwsOperation<TagQueueCommandInput, TagQueueCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("TagQueue", QueueUrl, context),
  run({ QueueUrl, Tags = {} }, context) {
    const queue = queueOf(QueueUrl, context);
    const tags = { ...queue.spec.tags, ...Tags };
    if (Object.keys(tags).length > tagsMax)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Too many tags added for queue ${queue.spec.title}.`,
      );
    for (const [key, value] of Object.entries(Tags))
      if (key === "" || key.length > 128 || value.length > 256 || /^aws:/i.test(key))
        throw new AwsError(
          "InvalidParameterValue",
          400,
          `Tag key '${key.slice(0, 128)}' or its value is not valid.`,
        );
    context.parts.queues.change(queue, { tags });
    return {};
  },
};
