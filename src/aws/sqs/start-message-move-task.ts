import type {
  StartMessageMoveTaskCommandInput,
  StartMessageMoveTaskCommandOutput,
} from "@aws-sdk/client-sqs";
import { AwsError } from "#/model/aws-error.ts";
import type { QueueRecord } from "#/model/queue.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { invalid } from "./messages.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";
import { pathOfArn, taskHandleOf } from "./task-handle.ts";

const perSecondMax = 500;
/** What it does with the dead letters. */
const moving = ["StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];

/** The queues whose dead letters go there. */
function sourcesOf(arn: string, project: string, { parts: { queues } }: AwsContext): QueueRecord[] {
  return queues.list(project).filter(({ spec }) => spec.redrive?.deadLetterArn === arn);
}

export const startMessageMoveTask: AwsOperation<
  StartMessageMoveTaskCommandInput,
  StartMessageMoveTaskCommandOutput
> = {
  asks({ SourceArn = "", DestinationArn }, context) {
    const { queues } = context.parts;
    const { project } = queueOf(pathOfArn(SourceArn), context);
    const to =
      DestinationArn !== undefined
        ? [DestinationArn]
        : sourcesOf(SourceArn, project, context).map((queue) => queues.arnOf(queue));
    return [
      ...moving.map((action) => askOfQueue(action, pathOfArn(SourceArn), context)),
      ...to.map((arn) => askOfQueue("SendMessage", pathOfArn(arn), context)),
    ];
  },
  run({ SourceArn = "", DestinationArn, MaxNumberOfMessagesPerSecond: perSecond }, context) {
    const { moveTasks } = context.parts;
    const source = queueOf(pathOfArn(SourceArn), context);
    if (sourcesOf(SourceArn, source.project, context).length === 0)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "Source queue must be configured as a Dead Letter Queue.",
      );
    if (perSecond !== undefined && !(perSecond >= 1 && perSecond <= perSecondMax))
      throw invalid(
        "InvalidParameterValue",
        `Value ${perSecond} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and ${perSecondMax}.`,
      );
    const task = moveTasks.begin(source, {
      ...(DestinationArn !== undefined && { destinationArn: DestinationArn }),
      ...(perSecond !== undefined && { perSecond }),
    });
    return { TaskHandle: taskHandleOf(SourceArn, task.id) };
  },
};
