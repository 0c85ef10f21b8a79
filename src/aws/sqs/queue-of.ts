import { AwsError } from "#/model/aws-error.ts";
import type { QueueRecord } from "#/model/queue.ts";
import { baseUrlOf } from "../base-url.ts";
import type { Ask, AwsContext } from "../call.ts";

/** The queue that a URL names: its last two parts are the account and the name. Throws "QueueDoesNotExist", also where it is none of the caller's business. */
export function queueOf(url: string | undefined, { parts, target }: AwsContext): QueueRecord {
  const [accountId = "", title = ""] = (url || target.path).split("/").slice(-2);
  const project = parts.identities.projectOf(accountId);
  const queue = project === undefined ? undefined : parts.queues.find(project, title);
  if (!queue) throw noQueue();
  return queue;
}

/** What must be allowed to do something to the queue of `url`. */
export function askOfQueue(action: string, url: string | undefined, context: AwsContext): Ask {
  const queue = queueOf(url, context);
  const ask: Ask = {
    action: `sqs:${action}`,
    resource: context.parts.queues.arnOf(queue),
    resourcePolicy: queue.spec.policy,
    ownerAccountId: queue.spec.accountId,
  };
  // Whether there is such a queue is nothing to tell a stranger.
  if (queue.spec.accountId !== context.caller.accountId && !context.isAllowed(ask)) throw noQueue();
  return ask;
}

export function noQueue(): AwsError {
  return new AwsError("QueueDoesNotExist", 400, "The specified queue does not exist.");
}

/** As clients of this door reach it. */
export function urlOf({ spec }: QueueRecord, { request }: AwsContext): string {
  return `${baseUrlOf(request)}/${spec.accountId}/${spec.title}`;
}

/** Of an account's own that need not be there yet. */
export function ownArn(title: string, { caller, parts }: AwsContext): string {
  return `arn:aws:sqs:${parts.region}:${caller.accountId}:${title}`;
}
