import type {
  CancelMessageMoveTaskCommandInput,
  CancelMessageMoveTaskCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";
import { pathOfArn, readTaskHandle } from "./task-handle.ts";

export const cancelMessageMoveTask: AwsOperation<
  CancelMessageMoveTaskCommandInput,
  CancelMessageMoveTaskCommandOutput
> = {
  asks({ TaskHandle = "" }, context) {
    const { sourceArn } = readTaskHandle(TaskHandle);
    return askOfQueue("CancelMessageMoveTask", pathOfArn(sourceArn), context);
  },
  run({ TaskHandle = "" }, context) {
    const { taskId, sourceArn } = readTaskHandle(TaskHandle);
    const source = queueOf(pathOfArn(sourceArn), context);
    return {
      ApproximateNumberOfMessagesMoved: context.parts.moveTasks.cancel(source, taskId),
    };
  },
};
