import { parsePolicy } from "#/access/policies/policy.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { QueueSpec } from "#/model/queue.ts";
import { isRedriveAllow } from "./redrive.ts";

const numbers = {
  VisibilityTimeout: ["visibilitySeconds", 0, 43_200],
  MaximumMessageSize: ["messageBytesMax", 1024, limits.queueMessageBytesMax],
  MessageRetentionPeriod: ["retentionSeconds", 60, 1_209_600],
  DelaySeconds: ["delaySeconds", 0, 900],
  ReceiveMessageWaitTimeSeconds: ["waitSeconds", 0, 20],
  KmsDataKeyReusePeriodSeconds: ["kmsReuseSeconds", 60, 86_400],
} as const;

const booleans = {
  ContentBasedDeduplication: "isDedupedByContent",
  SqsManagedSseEnabled: "isSseManaged",
} as const;

export const defaults: Omit<QueueSpec, "title" | "accountId" | "createdAt" | "changedAt"> = {
  visibilitySeconds: 30,
  delaySeconds: 0,
  retentionSeconds: 345_600,
  waitSeconds: 0,
  messageBytesMax: limits.queueMessageBytesMax,
  isFifo: false,
  isDedupedByContent: false,
  dedupScope: "queue",
  throughputLimit: "perQueue",
  isSseManaged: true,
};

/** What attributes say, as they come to CreateQueue and SetQueueAttributes. Throws "InvalidAttributeName" and "InvalidAttributeValue". */
export function specOf(
  attributes: Readonly<Record<string, string>>,
  isFifo: boolean,
): Partial<QueueSpec> {
  const spec: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(attributes)) {
    if (Object.hasOwn(numbers, name)) {
      const [property, min, max] = numbers[name as keyof typeof numbers];
      const value = Number(text);
      if (!/^\d{1,9}$/.test(text) || value < min || value > max) throw badValue(name, text);
      spec[property] = value;
    } else if (Object.hasOwn(booleans, name)) {
      if (text !== "true" && text !== "false") throw badValue(name, text);
      if (name === "ContentBasedDeduplication" && !isFifo) throw unknown(name);
      spec[booleans[name as keyof typeof booleans]] = text === "true";
    } else Object.assign(spec, special(name, text, isFifo));
  }
  return spec as Partial<QueueSpec>;
}

function special(name: string, text: string, isFifo: boolean): Partial<QueueSpec> | object {
  switch (name) {
    case "Policy":
      return { policy: text === "" ? undefined : checkedPolicy(text) };
    case "RedrivePolicy":
      return { redrive: text === "" ? undefined : redriveOf(text) };
    case "RedriveAllowPolicy":
      if (text !== "" && !isRedriveAllow(parsed(name, text))) throw badValue(name, text);
      return { redriveAllow: text === "" ? undefined : text };
    case "KmsMasterKeyId":
      return { kmsKeyId: text === "" ? undefined : text };
    case "FifoQueue":
      if (text !== "true" || !isFifo) throw badValue(name, text);
      return { isFifo: true };
    case "DeduplicationScope":
      if (!isFifo) throw unknown(name);
      if (text !== "queue" && text !== "messageGroup") throw badValue(name, text);
      return { dedupScope: text };
    case "FifoThroughputLimit":
      if (!isFifo) throw unknown(name);
      if (text !== "perQueue" && text !== "perMessageGroupId") throw badValue(name, text);
      return { throughputLimit: text };
    default:
      throw unknown(name);
  }
}

/** Throws "InvalidAttributeValue" for one that does not mean anything. */
export function checkedPolicy(text: string): string {
  try {
    parsePolicy(text, "resource");
    return text;
  } catch {
    throw badValue("Policy", text);
  }
}

function redriveOf(text: string): NonNullable<QueueSpec["redrive"]> {
  const { deadLetterTargetArn: deadLetterArn, maxReceiveCount } = parsed("RedrivePolicy", text);
  const receivesMax = Number(maxReceiveCount);
  const isGood =
    typeof deadLetterArn === "string" &&
    /^arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w.-]+$/.test(deadLetterArn) &&
    Number.isInteger(receivesMax) &&
    receivesMax >= 1 &&
    receivesMax <= 1000;
  if (!isGood) throw badValue("RedrivePolicy", text);
  return { deadLetterArn, receivesMax };
}

function parsed(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw badValue(name, text);
}

/** Attributes of a queue as they are told. */
export function attributesOf(spec: QueueSpec): Record<string, string> {
  const told: Record<string, string | undefined> = {
    CreatedTimestamp: String(Math.floor(spec.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(spec.changedAt / 1000)),
    Policy: spec.policy,
    RedriveAllowPolicy: spec.redriveAllow,
    KmsMasterKeyId: spec.kmsKeyId,
    SqsManagedSseEnabled: String(spec.isSseManaged && spec.kmsKeyId === undefined),
    ...(spec.redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: spec.redrive.deadLetterArn,
        maxReceiveCount: spec.redrive.receivesMax,
      }),
    }),
    ...(spec.isFifo && {
      FifoQueue: "true",
      ContentBasedDeduplication: String(spec.isDedupedByContent),
      DeduplicationScope: spec.dedupScope,
      FifoThroughputLimit: spec.throughputLimit,
    }),
  };
  for (const [name, [property]] of Object.entries(numbers)) {
    const value = spec[property];
    if (value !== undefined) told[name] = String(value);
  }
  return Object.fromEntries(
    Object.entries(told).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function badValue(name: string, text: string): AwsError {
  return new AwsError(
    "InvalidAttributeValue",
    400,
    `Invalid value for the parameter ${name}. Reason: '${text.slice(0, 100)}' is not allowed.`,
  );
}

function unknown(name: string): AwsError {
  return new AwsError("InvalidAttributeName", 400, `Unknown Attribute ${name.slice(0, 100)}.`);
}
