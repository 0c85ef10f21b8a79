import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { messageOfEvent, testMessage, type BucketEvent } from "#/model/bucket-event.ts";
import { rulesFor, type NotificationRule } from "#/model/bucket-notification.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { newNotice, noticeName } from "#/model/notice.ts";
import type { Space } from "#/space/space.ts";

/**
 * What is to be told of buckets, kept until it was: a record for each place, in the log before the change that it tells of
 * is acknowledged. So everything that a client was told of is told on, at least once, whatever dies.
 */
export class BucketEvents {
  #space: Space;
  #clock: Clock;
  #random: Random;
  #lastAt = 0;
  #count = 0;
  #waiting = 0;
  /** How many of them are each project's. */
  #waitingOf = new Map<string, number>();

  constructor(parts: { space: Space; clock: Clock; random: Random }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    for (const { project } of parts.space.all("notice")) this.#wait(project, 1);
    parts.space.onApplied((changes) => {
      for (const { op, record } of changes) {
        if (record.kind !== "notice") continue;
        if (op === "delete" || op === "archive") this.#wait(record.project, -1);
        else if (record.revision === 1) this.#wait(record.project, 1);
      }
    });
  }

  /** True when somebody is told of such events of this key: only then they need be made. */
  isHeard({ spec }: BucketRecord, name: string, key: string): boolean {
    const { notification } = spec;
    return notification !== undefined && rulesFor(notification.rules, name, key).length > 0;
  }

  /**
   * Asked before a change that is to be told, so that nothing has changed when it throws: "SlowDown" while too much waits. What
   * was begun meanwhile is told beyond that bound: as much as is under way at once.
   */
  requireRoom(bucket: BucketRecord, name: string, key: string): void {
    if (this.isHeard(bucket, name, key)) this.#checkRoom(bucket);
  }

  /**
   * Keeps what is to be told of an event that has happened, with room or without; undefined when nobody is told. The change is
   * acknowledged when it resolves.
   */
  tell(bucket: BucketRecord, event: BucketEvent): Promise<void> | undefined {
    const { notification } = bucket.spec;
    if (!notification) return undefined;
    const rules = rulesFor(notification.rules, event.name, event.key);
    if (rules.length === 0) return undefined;
    const sequencer = this.#sequencer(event.at);
    return this.#keep(
      bucket,
      rules.map((rule) => ({ rule, body: messageOfEvent(bucket, event, rule.id, sequencer) })),
    );
  }

  /** Tells the places of new rules that they will be told. */
  test(bucket: BucketRecord, rules: readonly NotificationRule[], requestId: string): Promise<void> {
    const body = testMessage(bucket.name, { at: this.#clock.now(), requestId });
    return this.#keep(
      bucket,
      rules.map((rule) => ({ rule, body })),
    );
  }

  #keep(
    bucket: BucketRecord,
    messages: readonly { rule: NotificationRule; body: string }[],
  ): Promise<void> {
    const at = this.#clock.now();
    const by = { clock: this.#clock, random: this.#random };
    return this.#space.commit((tx) => {
      for (const { rule, body } of messages) {
        const to = rule.to.arn;
        const id = newId("n", by, (one) => tx.get("notice", noticeName(to, one)) !== undefined);
        tx.put<"notice">(newNotice(bucket.project, id, { to, bucket: bucket.name, body, at }));
      }
    }).durable;
  }

  #wait(project: string, more: 1 | -1): void {
    this.#waiting += more;
    const count = (this.#waitingOf.get(project) ?? 0) + more;
    if (count > 0) this.#waitingOf.set(project, count);
    else this.#waitingOf.delete(project);
  }

  /** One project whose places do not answer holds up no other. */
  #checkRoom({ project }: BucketRecord): void {
    const own = this.#waitingOf.get(project) ?? 0;
    if (this.#waiting < limits.noticesMax && own < limits.noticesOfProjectMax) return;
    throw new AwsError(
      "SlowDown",
      503,
      `Please reduce your request rate: ${own} events of this account wait to be told`,
      { headers: { "retry-after": "5" } },
    );
  }

  /** Grows with time, and within a millisecond by order. */
  #sequencer(at: number): string {
    this.#count = at > this.#lastAt ? 0 : this.#count + 1;
    this.#lastAt = Math.max(this.#lastAt, at);
    return `${hex(this.#lastAt, 12)}${hex(this.#count, 6)}`;
  }
}

const hex = (value: number, digits: number) =>
  value.toString(16).padStart(digits, "0").toUpperCase();
