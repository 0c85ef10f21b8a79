import type { QueueRecord, QueueSpec } from "#/model/queue.ts";
import { titleOf } from "#/queues/move-tasks.ts";
import type { AwsContext } from "../call.ts";
import { invalid } from "./messages.ts";

interface RedriveAllow {
  redrivePermission?: string;
  sourceQueueArns?: unknown;
}

/** Whether it says who may name a queue for dead letters: all, none, or up to ten queues. */
export function isRedriveAllow(said: RedriveAllow): boolean {
  const { redrivePermission: permission, sourceQueueArns: arns } = said;
  if (permission !== "byQueue")
    return arns === undefined && (permission === "allowAll" || permission === "denyAll");
  return (
    Array.isArray(arns) &&
    arns.length >= 1 &&
    arns.length <= 10 &&
    arns.every((arn) => typeof arn === "string")
  );
}

/** Throws "InvalidParameterValue" when a queue may not name the one that it does for its dead letters. */
export function checkRedrive(
  { redrive }: Pick<Partial<QueueSpec>, "redrive">,
  source: { arn: string; project: string; isFifo: boolean },
  { parts: { queues } }: AwsContext,
): void {
  if (!redrive) return;
  const { deadLetterArn } = redrive;
  const dead = queues.find(source.project, titleOf(deadLetterArn));
  const isThere = dead !== undefined && queues.arnOf(dead) === deadLetterArn;
  const reason = !isThere
    ? "Dead letter target does not exist."
    : dead.spec.isFifo !== source.isFifo
      ? "Dead-letter queue must be same type of queue as the source."
      : allows(dead, source.arn)
        ? undefined
        : `The redrive allow policy of ${deadLetterArn} does not allow ${source.arn}.`;
  if (reason !== undefined)
    throw invalid(
      "InvalidParameterValue",
      `Value ${deadLetterArn} for parameter RedrivePolicy is invalid. Reason: ${reason}`,
    );
}

function allows({ spec: { redriveAllow } }: QueueRecord, arn: string): boolean {
  if (redriveAllow === undefined) return true;
  const { redrivePermission, sourceQueueArns } = JSON.parse(redriveAllow) as RedriveAllow;
  if (redrivePermission !== "byQueue") return redrivePermission !== "denyAll";
  return Array.isArray(sourceQueueArns) && sourceQueueArns.includes(arn);
}
