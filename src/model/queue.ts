import type { RecordOf } from "./record.ts";

/** A queue of messages. Its name is its project's, ":" and its own. */
export type QueueRecord = RecordOf<"queue", QueueSpec, QueueStatus>;

export interface QueueSpec {
  /** Its own name; one in order ends in ".fifo". */
  title: string;
  accountId: string;
  createdAt: number;
  changedAt: number;
  visibilitySeconds: number;
  delaySeconds: number;
  retentionSeconds: number;
  waitSeconds: number;
  messageBytesMax: number;
  isFifo: boolean;
  /** Of one in order: what is the same text within five minutes is the same message. */
  isDedupedByContent: boolean;
  dedupScope: "queue" | "messageGroup";
  throughputLimit: "perQueue" | "perMessageGroupId";
  /** Where messages go that were received so often without being deleted. */
  redrive?: { deadLetterArn: string; receivesMax: number };
  /** Which queues may name this one for that; JSON as it came. */
  redriveAllow?: string;
  /** JSON as it came. */
  policy?: string;
  kmsKeyId?: string;
  kmsReuseSeconds?: number;
  isSseManaged: boolean;
  tags?: Record<string, string>;
}

export interface QueueStatus {
  purgedAt?: number;
  /** Another one after each purge: messages of an earlier one, or of an earlier queue of this name, are gone though their records are there. */
  life?: string;
  /** Dead letters that are taken back, the last one first. */
  moves?: readonly MoveTask[];
}

/** Takes the messages of a queue of dead letters back to where they came from, or elsewhere. */
export interface MoveTask {
  id: string;
  startedAt: number;
  destinationArn?: string;
  perSecond?: number;
  /** How many there were when it began. */
  total: number;
  moved: number;
  state: "RUNNING" | "COMPLETED" | "CANCELLED" | "FAILED";
  failure?: string;
}

/** One message: part of its queue's record. */
export type MessageRecord = RecordOf<"message", MessageSpec, MessageStatus>;

export interface MessageSpec {
  id: string;
  body: string;
  attributes?: Record<string, MessageAttribute>;
  /** "AWSTraceHeader". */
  traceHeader?: string;
  sentAt: number;
  /** Of the caller that sent it. */
  senderId: string;
  groupId?: string;
  dedupId?: string;
  /** By what it is told that the same one comes again. */
  dedupKey?: string;
  /** Grows within the queue; told of queues in order. */
  sequence?: string;
  /** That of its queue when it came into it. */
  life?: string;
  /** The queue that it came from, when it is a dead letter. */
  sourceArn?: string;
}

export interface MessageStatus {
  /** Nobody is given it before. */
  visibleAt: number;
  receives: number;
  firstReceivedAt?: number;
  /** It is gone; what stays is there so that the same one is not taken again. */
  deletedAt?: number;
}

export interface MessageAttribute {
  type: string;
  text?: string;
  /** Base64. */
  binary?: string;
}
