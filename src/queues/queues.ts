import { within, type Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { uuid } from "#/base/uuid.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MessageRecord, QueueRecord, QueueSpec } from "#/model/queue.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { HeldMessages } from "./held.ts";
import { handleOf, messageOfHandle } from "./handles.ts";
import {
  dedupOf,
  forget,
  lifeOf,
  moveTo,
  newLife,
  type NewMessage,
  type Received,
} from "./messages.ts";
import { RecentlyRemoved } from "./recently-removed.ts";

/** Name of a queue's record. */
export const queueNameOf = (project: string, title: string) => `${project}:${title}`;

/**
 * Queues of messages, as SQS means them, kept as records: a message is acknowledged when it is on disk, is given to
 * one at a time, comes back when it was not deleted in time, and goes to the dead letters when it came back too often. What
 * is said is said of the state at once; it is durable when the space is. Throws AwsError as SQS documents it.
 */
export class Queues {
  #space: Space;
  #clock: Clock;
  #random: Random;
  #log: Log;
  #region: string;
  #held: HeldMessages;
  #removed: RecentlyRemoved;
  #sequence = 0;
  #loop: Loop | undefined;

  constructor(parts: { space: Space; clock: Clock; random: Random; log: Log; region: string }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#log = parts.log;
    this.#region = parts.region;
    this.#held = new HeldMessages(parts);
    this.#removed = new RecentlyRemoved(parts.clock);
  }

  /** Removes what is too old from now on, and what is left over of queues that are gone. */
  start(): void {
    this.#loop = startLoop("queues", () => this.#sweep(), {
      clock: this.#clock,
      log: this.#log,
      everyMs: limits.queueLookMs,
    });
    this.#loop.wake();
  }

  stop(): void {
    this.#loop?.stop();
  }

  find(project: string, title: string): QueueRecord | undefined {
    return this.#space.get("queue", queueNameOf(project, title));
  }

  arnOf({ spec: { accountId, title } }: QueueRecord): string {
    return `arn:aws:sqs:${this.#region}:${accountId}:${title}`;
  }

  /** Those of a project, by their names. */
  list(project: string): QueueRecord[] {
    return [...this.#space.list("queue")]
      .filter((record) => record.project === project)
      .sort((a, b) => (a.spec.title < b.spec.title ? -1 : 1));
  }

  create(project: string, spec: QueueSpec): QueueRecord {
    const name = queueNameOf(project, spec.title);
    this.#removed.requireRested(name);
    return this.#space.commit((tx) =>
      tx.put<"queue">({
        kind: "queue",
        project,
        name,
        spec,
        status: { life: newLife(this.#random) },
      }),
    ).value;
  }

  change(queue: QueueRecord, spec: Partial<QueueSpec>): void {
    const changedAt = this.#clock.now();
    this.#space.commit((tx) => {
      const now = tx.get("queue", queue.name);
      if (now) tx.put<"queue">({ ...now, spec: { ...now.spec, ...spec, changedAt } });
    });
  }

  /** The queue is gone at once, and its messages with it; their records go some at a time. */
  remove(queue: QueueRecord): void {
    this.#space.commit((tx) => {
      tx.delete("queue", queue.name);
      this.#deleteFirst(tx, queue);
    });
    this.#removed.add(queue.name);
    this.#loop?.wake();
  }

  /** Removes all messages, as `remove()` does. Throws "PurgeQueueInProgress" when that was done a moment ago. */
  purge(queue: QueueRecord): void {
    const now = this.#clock.now();
    if (now - (queue.status.purgedAt ?? 0) < limits.purgeMs)
      throw new AwsError(
        "PurgeQueueInProgress",
        400,
        `Only one PurgeQueue operation on ${queue.spec.title} is allowed every ${limits.purgeMs / 1000} seconds.`,
      );
    this.#space.commit((tx) => {
      tx.put<"queue">({
        ...queue,
        status: { ...queue.status, purgedAt: now, life: newLife(this.#random) },
      });
      this.#deleteFirst(tx, queue);
    });
    this.#loop?.wake();
  }

  #deleteFirst(tx: Transaction, queue: QueueRecord): void {
    let left = limits.queueSweepMax;
    for (const { name } of this.#held.of(queue).records) {
      if (left-- === 0) return;
      tx.delete("message", name);
    }
  }

  /** How many were given out and are neither deleted nor back. */
  inFlight(queue: QueueRecord): number {
    return this.counts(queue).inFlight;
  }

  counts(queue: QueueRecord): { visible: number; inFlight: number; delayed: number } {
    return this.#held.of(queue).counts(this.#clock.now());
  }

  /** Takes one message; that of before where it is the same. */
  send(queue: QueueRecord, message: NewMessage): MessageRecord {
    const waiting = this.#held.of(queue);
    const now = this.#clock.now();
    const { spec } = queue;
    const dedup = dedupOf(queue, message);
    const same = dedup && waiting.sent(dedup.dedupKey, now - limits.dedupMs);
    if (same) return same;
    this.#held.requireRoom(queue, message);
    const id = uuid(this.#random);
    const sequence = spec.isFifo ? this.#nextSequence(now) : undefined;
    const delaySeconds = message.delaySeconds ?? spec.delaySeconds;
    const { delaySeconds: _delay, ...given } = message;
    return this.#space.commit((tx) =>
      tx.put<"message">({
        kind: "message",
        project: queue.project,
        name: `${queue.name}/${id}`,
        spec: {
          ...given,
          ...dedup,
          ...lifeOf(tx.get("queue", queue.name) ?? queue),
          id,
          sentAt: now,
          ...(sequence !== undefined && { sequence }),
        },
        status: { visibleAt: now + delaySeconds * 1000, receives: 0 },
      }),
    ).value;
  }

  /** Up to `max` messages, when there are some within `waitMs`; given up when `signal` is aborted. */
  async receive(
    queue: QueueRecord,
    asked: { max: number; visibilitySeconds: number; waitMs: number; signal?: AbortSignal },
  ): Promise<Received[]> {
    const untilMs = this.#clock.monotonicMs() + asked.waitMs;
    for (;;) {
      const received = this.#take(queue, asked.max, asked.visibilitySeconds);
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (received.length > 0 || leftMs <= 0 || asked.signal?.aborted) return received;
      await this.#more(queue, leftMs, asked.signal);
      if (!this.#space.get("queue", queue.name)) return [];
    }
  }

  /** Forgets a message that was received; nothing when it is gone already. */
  delete(queue: QueueRecord, handle: string): void {
    const { id, receive } = messageOfHandle(handle);
    const record = this.#held.of(queue).get(`${queue.name}/${id}`);
    if (!record || record.status.deletedAt !== undefined) return;
    const now = this.#clock.now();
    if (queue.spec.isFifo && (record.status.receives !== receive || record.status.visibleAt <= now))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value ${handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
      );
    this.#space.commit((tx) => forget(tx, record, now));
  }

  /** Throws "MessageNotInflight" for one that nobody has. */
  changeVisibility(queue: QueueRecord, handle: string, seconds: number): void {
    const { id } = messageOfHandle(handle);
    const now = this.#clock.now();
    const record = this.#held.of(queue).get(`${queue.name}/${id}`);
    if (!record || record.status.deletedAt !== undefined)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      );
    if (record.status.visibleAt <= now || record.status.receives === 0)
      throw new AwsError("MessageNotInflight", 400, "The message referred to isn't in flight.");
    this.#space.commit((tx) =>
      tx.put<"message">({
        ...record,
        status: { ...record.status, visibleAt: now + seconds * 1000 },
      }),
    );
  }

  #take(queue: QueueRecord, max: number, visibilitySeconds: number): Received[] {
    const waiting = this.#held.of(queue);
    const now = this.#clock.now();
    const oldest = now - queue.spec.retentionSeconds * 1000;
    const dead = this.#deadLetters(queue);
    const taken: Received[] = [];
    while (taken.length < max) {
      const found = waiting.visible(max - taken.length, now);
      if (found.length === 0) break;
      this.#space.commit((tx) => {
        for (const record of found) {
          if (record.spec.sentAt <= oldest) forget(tx, record, now);
          else if (dead && record.status.receives >= dead.receivesMax)
            moveTo(tx, record, { from: this.arnOf(queue), to: dead.queue, now });
          else {
            const receives = record.status.receives + 1;
            const status = {
              ...record.status,
              receives,
              visibleAt: now + visibilitySeconds * 1000,
              firstReceivedAt: record.status.firstReceivedAt ?? now,
            };
            const given = tx.put<"message">({ ...record, status });
            taken.push({ record: given, handle: handleOf(record.spec.id, receives) });
          }
        }
      });
    }
    return taken;
  }

  #deadLetters(queue: QueueRecord): { queue: QueueRecord; receivesMax: number } | undefined {
    const { redrive } = queue.spec;
    const title = redrive?.deadLetterArn.slice(redrive.deadLetterArn.lastIndexOf(":") + 1);
    const found = title === undefined ? undefined : this.find(queue.project, title);
    return found && redrive && { queue: found, receivesMax: redrive.receivesMax };
  }

  /** Resolves when there may be more in a queue, or the time is over. */
  async #more(queue: QueueRecord, leftMs: number, signal: AbortSignal | undefined): Promise<void> {
    const waiting = this.#held.of(queue);
    const woken = Promise.withResolvers<void>();
    const off = waiting.onMore(woken.resolve);
    const nextMs = (waiting.nextAt() ?? Number.POSITIVE_INFINITY) - this.#clock.now();
    signal?.addEventListener("abort", () => woken.resolve(), { once: true });
    await within(this.#clock, Math.max(1, Math.min(leftMs, nextMs)), woken.promise);
    off();
  }

  #sweep(): void {
    const now = this.#clock.now();
    const over = this.#held.leftOver(limits.queueSweepMax);
    for (const queue of this.#space.all("queue")) {
      const [oldest, forgotten] = [now - queue.spec.retentionSeconds * 1000, now - limits.dedupMs];
      const max = limits.queueSweepMax - over.length;
      if (max === 0) break;
      over.push(...this.#held.of(queue).over(oldest, forgotten, max));
    }
    if (over.length === 0) return;
    this.#space.commit((tx) => {
      for (const name of over) tx.delete("message", name);
    });
    if (over.length >= limits.queueSweepMax) this.#loop?.wake();
  }

  /** Grows over restarts too, as time does. */
  #nextSequence(now: number): string {
    this.#sequence = Math.max(this.#sequence + 1, now * 1000);
    return String(this.#sequence).padStart(20, "0");
  }
}
