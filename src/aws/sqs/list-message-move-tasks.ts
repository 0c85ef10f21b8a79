import type {
  ListMessageMoveTasksCommandInput,
  ListMessageMoveTasksCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";
import { pathOfArn, taskHandleOf } from "./task-handle.ts";

/** The newest ones of a queue. */
export const listMessageMoveTasks: AwsOperation<
  ListMessageMoveTasksCommandInput,
  ListMessageMoveTasksCommandOutput
> = {
  asks: ({ SourceArn = "" }, context) =>
    askOfQueue("ListMessageMoveTasks", pathOfArn(SourceArn), context),
  run({ SourceArn = "", MaxResults = 1 }, context) {
    const { moves = [] } = queueOf(pathOfArn(SourceArn), context).status;
    return {
      Results: moves.slice(0, MaxResults).map((task) => ({
        ...(task.state === "RUNNING" && { TaskHandle: taskHandleOf(SourceArn, task.id) }),
        Status: task.state,
        SourceArn,
        ...(task.destinationArn !== undefined && { DestinationArn: task.destinationArn }),
        ...(task.perSecond !== undefined && { MaxNumberOfMessagesPerSecond: task.perSecond }),
        ApproximateNumberOfMessagesMoved: task.moved,
        ApproximateNumberOfMessagesToMove: task.total,
        ...(task.failure !== undefined && { FailureReason: task.failure }),
        StartedTimestamp: task.startedAt,
      })),
    };
  },
};
