import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { uuid } from "#/base/uuid.ts";
import type { FunctionEventConfig, FunctionEventRecord } from "#/model/function-event.ts";
import { newNotice } from "#/model/notice.ts";
import type { CallAnswer } from "./invoker.ts";
import { functionArn, type Target } from "./target.ts";

interface Over {
  event: FunctionEventRecord;
  target: Target;
  /** Absent when it grew too old before it was run on. */
  answer: CallAnswer | undefined;
  config: FunctionEventConfig | undefined;
  region: string;
}

/** Who is told of an event that is over, and what. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
export function noticesAfter(over: Over, now: number, random: Random) {
  const { answer, config } = over;
  const hasFailed = answer?.error !== undefined || answer === undefined;
  const to = hasFailed ? config?.onFailure : config?.onSuccess;
  if (to === undefined) return [];
  const notice = { to, body: recordOf(over, now), at: now };
  return [newNotice(over.event.project, uuid(random), notice)];
}

function recordOf({ event, target, answer, region }: Over, now: number): string {
  const { id, payload, qualifier = "$LATEST" } = event.spec;
  const { accountId, title } = target.function.spec;
  const attempts = event.status.failures + (answer ? 1 : 0);
  const record = {
    version: "1.0",
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId: id,
      functionArn: functionArn(region, accountId, title, qualifier),
      condition: conditionOf(answer),
      approximateInvokeCount: attempts,
    },
    requestPayload: parsedOf(payload),
    ...(answer && {
      responseContext: {
        statusCode: 200,
        executedVersion: target.version,
        ...(answer.error !== undefined && { functionError: answer.error }),
      },
      responsePayload: parsedOf(answer.payload),
    }),
  };
  const text = JSON.stringify(record);
  if (text.length <= limits.functionDestinationBytesMax) return text;
  return JSON.stringify({ ...record, requestPayload: null, responsePayload: null });
}

function conditionOf(answer: CallAnswer | undefined): string {
  if (!answer) return "EventAgeExceeded";
  return answer.error === undefined ? "Success" : "RetriesExhausted";
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
