import { createHash } from "node:crypto";
import type { MessageAttributeValue, MessageSystemAttributeValue } from "@aws-sdk/client-sqs";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MessageAttribute, MessageSpec, QueueSpec } from "#/model/queue.ts";
import type { NewMessage } from "#/queues/messages.ts";

/** What SendMessage, and an entry of its batch, say of a message. */
export interface SaidMessage {
  MessageBody?: string | undefined;
  DelaySeconds?: number | undefined;
  MessageAttributes?: Record<string, MessageAttributeValue> | undefined;
  MessageSystemAttributes?: Record<string, MessageSystemAttributeValue> | undefined;
  MessageDeduplicationId?: string | undefined;
  MessageGroupId?: string | undefined;
}

/** What text of a message may not have (https://www.w3.org/TR/REC-xml/#charsets). */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/u;
const idPattern = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;

/** A message that a queue takes. Throws as SQS documents it. */
export function messageOf(
  said: SaidMessage,
  queue: QueueSpec,
  senderId: string,
): { message: NewMessage; sizeBytes: number } {
  const body = said.MessageBody ?? "";
  if (body === "")
    throw invalid("MissingParameter", "The request must contain the parameter MessageBody.");
  if (forbidden.test(body))
    throw invalid(
      "InvalidMessageContents",
      "Invalid binary character was found in the message body.",
    );
  const attributes = attributesOf(said.MessageAttributes);
  const sizeBytes = Buffer.byteLength(body) + sizeOf(attributes);
  if (sizeBytes > queue.messageBytesMax)
    throw invalid(
      "InvalidParameterValue",
      `One or more parameters are invalid. Reason: Message must be shorter than ${queue.messageBytesMax} bytes.`,
    );
  const {
    DelaySeconds: delaySeconds,
    MessageGroupId: groupId,
    MessageDeduplicationId: dedupId,
  } = said;
  if (
    delaySeconds !== undefined &&
    !(Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900)
  )
    throw badParameter("DelaySeconds", delaySeconds, "DelaySeconds must be >= 0 and <= 900");
  checkOrder(said, queue);
  const traceHeader = said.MessageSystemAttributes?.["AWSTraceHeader"]?.StringValue;
  const message: NewMessage = {
    body,
    senderId,
    ...(Object.keys(attributes).length > 0 && { attributes }),
    ...(traceHeader !== undefined && { traceHeader }),
    ...(delaySeconds !== undefined && { delaySeconds }),
    ...(groupId !== undefined && { groupId }),
    ...(dedupId !== undefined && { dedupId }),
  };
  return { message, sizeBytes };
}

function checkOrder(said: SaidMessage, queue: QueueSpec): void {
  const { MessageGroupId: groupId, MessageDeduplicationId: dedupId, DelaySeconds } = said;
  if (groupId !== undefined && !idPattern.test(groupId))
    throw badParameter(
      "MessageGroupId",
      groupId,
      "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length",
    );
  if (dedupId !== undefined && !idPattern.test(dedupId))
    throw badParameter(
      "MessageDeduplicationId",
      dedupId,
      "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length",
    );
  if (!queue.isFifo) {
    if (dedupId !== undefined)
      throw badParameter(
        "MessageDeduplicationId",
        dedupId,
        "The request include parameter that is not valid for this queue type",
      );
    return;
  }
  if (groupId === undefined)
    throw invalid("MissingParameter", "The request must contain the parameter MessageGroupId.");
  if (DelaySeconds)
    throw badParameter(
      "DelaySeconds",
      DelaySeconds,
      "The request include parameter that is not valid for this queue type",
    );
  if (dedupId === undefined && !queue.isDedupedByContent)
    throw invalid(
      "InvalidParameterValue",
      "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    );
}

function attributesOf(
  said: Record<string, MessageAttributeValue> | undefined,
): Record<string, MessageAttribute> {
  const entries = Object.entries(said ?? {});
  if (entries.length > limits.queueAttributesMax)
    throw invalid(
      "InvalidParameterValue",
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${limits.queueAttributesMax}].`,
    );
  return Object.fromEntries(
    entries.map(([name, { DataType: type = "", StringValue: text, BinaryValue: binary }]) => {
      if (!/^[\w.-]{1,256}$/.test(name) || /^(?:aws|amazon)\.|^\.|\.$|\.\./i.test(name))
        throw invalid(
          "InvalidParameterValue",
          `The message attribute name '${name.slice(0, 100)}' is invalid.`,
        );
      if (!/^(?:String|Number|Binary)(?:\..{1,250})?$/.test(type))
        throw invalid(
          "InvalidParameterValue",
          `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
        );
      const isBinary = type.startsWith("Binary");
      if (isBinary ? !binary?.length : !text)
        throw invalid(
          "InvalidParameterValue",
          `The message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${type}'.`,
        );
      if (type.startsWith("Number") && !/^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(text!))
        throw invalid(
          "InvalidParameterValue",
          `Can't cast the value of message (user) attribute '${name}' to a number.`,
        );
      return [
        name,
        isBinary
          ? { type, binary: Buffer.from(binary!).toString("base64") }
          : { type, text: text! },
      ];
    }),
  );
}

function sizeOf(attributes: Record<string, MessageAttribute>): number {
  let bytes = 0;
  for (const [name, { type, text, binary }] of Object.entries(attributes))
    bytes +=
      Buffer.byteLength(name) +
      Buffer.byteLength(type) +
      (text === undefined ? Buffer.byteLength(binary!, "base64") : Buffer.byteLength(text));
  return bytes;
}

/** What clients hold against what they sent or were given. */
export function md5Of(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/**
 * The same of attributes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function attributesMd5(attributes: MessageSpec["attributes"]): string | undefined {
  if (!attributes) return undefined;
  const hash = createHash("md5");
  const put = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).toSorted()) {
    const { type, text, binary } = attributes[name]!;
    put(Buffer.from(name));
    put(Buffer.from(type));
    hash.update(Buffer.from([text === undefined ? 2 : 1]));
    put(text === undefined ? Buffer.from(binary!, "base64") : Buffer.from(text));
  }
  return hash.digest("hex");
}

export function invalid(code: string, message: string): AwsError {
  return new AwsError(code, 400, message);
}

export function badParameter(name: string, value: string | number, reason: string): AwsError {
  return invalid(
    "InvalidParameterValue",
    `Value ${String(value).slice(0, 150)} for parameter ${name} is invalid. Reason: ${reason}.`,
  );
}
