import { createHash } from "node:crypto";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { MessageAttribute, MessageRecord, QueueRecord } from "#/model/queue.ts";
import type { Transaction } from "#/space/space.ts";

/** A message that is to be sent. */
export interface NewMessage {
  body: string;
  attributes?: Record<string, MessageAttribute>;
  traceHeader?: string;
  /** The queue's own when absent. */
  delaySeconds?: number;
  groupId?: string;
  dedupId?: string;
  /** Who sends it. */
  senderId: string;
}

/** A message that somebody was given. */
export interface Received {
  record: MessageRecord;
  handle: string;
}

/** By what it is told that a message of a queue in order comes again. */
export function dedupOf(
  { spec }: QueueRecord,
  { body, groupId, dedupId }: NewMessage,
): { dedupId: string; dedupKey: string } | undefined {
  if (!spec.isFifo) return undefined;
  const id = dedupId ?? createHash("sha256").update(body).digest("hex");
  const scope = spec.dedupScope === "messageGroup" ? (groupId ?? "") : "";
  return { dedupId: id, dedupKey: `${scope}\n${id}` };
}

/** Of queues in order it is kept without its text for as long as the same one may come again. */
export function forget(tx: Transaction, record: MessageRecord, now: number): void {
  const { spec, status } = record;
  if (spec.dedupKey === undefined || now - spec.sentAt >= limits.dedupMs)
    return tx.delete("message", record.name);
  const { attributes: _attributes, ...kept } = spec;
  tx.put<"message">({
    ...record,
    spec: { ...kept, body: "" },
    status: { ...status, deletedAt: now },
  });
}

/** Puts a message into another queue, visible at once; where it came from first stays with it. */
export function moveTo(
  tx: Transaction,
  record: MessageRecord,
  { from, to, now }: { from?: string; to: QueueRecord; now: number },
): void {
  const { life: _, ...spec } = record.spec;
  const { id, sourceArn = from } = spec;
  tx.delete("message", record.name);
  tx.put<"message">({
    kind: "message",
    project: to.project,
    name: `${to.name}/${id}`,
    spec: { ...spec, ...lifeOf(to), ...(sourceArn !== undefined && { sourceArn }) },
    status: { ...record.status, visibleAt: now },
  });
}

/** What a message that comes into a queue now is known as its own by. */
export const lifeOf = ({ status: { life } }: QueueRecord): { life?: string } =>
  life === undefined ? {} : { life };

/** Of a queue that is new, or new again. */
export const newLife = (random: Random): string =>
  Buffer.from(random.bytes(6)).toString("base64url");
