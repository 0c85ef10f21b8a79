import { AwsError } from "#/model/aws-error.ts";

/** What a task is cancelled by: which one, and of which queue. */
export function taskHandleOf(sourceArn: string, id: string): string {
  return Buffer.from(JSON.stringify({ taskId: id, sourceArn })).toString("base64");
}

/** Throws "ResourceNotFoundException". */
export function readTaskHandle(handle: string): { taskId: string; sourceArn: string } {
  try {
    const read = JSON.parse(Buffer.from(handle, "base64").toString()) as Record<string, unknown>;
    const { taskId, sourceArn } = read;
    if (typeof taskId === "string" && typeof sourceArn === "string") return { taskId, sourceArn };
  } catch {
    // said below
  }
  throw new AwsError("ResourceNotFoundException", 404, "Task does not exist.");
}

/** "arn:aws:sqs:us-east-1:123456789012:q" as the path of the queue's URL. */
export function pathOfArn(arn: string): string {
  const [accountId = "", title = ""] = arn.split(":").slice(-2);
  return `/${accountId}/${title}`;
}
