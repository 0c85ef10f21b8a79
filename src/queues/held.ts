import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MessageRecord, QueueRecord } from "#/model/queue.ts";
import { parentOf, type Change } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";
import type { NewMessage } from "./messages.ts";
import { bytesOf, Waiting } from "./waiting.ts";

/**
 * All messages as they are in memory, following the records. Those of a queue that is gone, or of before it was purged, are left
 * over: nobody sees them any more, and they count as long as their records are there.
 */
export class HeldMessages {
  #clock: Pick<Clock, "now">;
  #waiting = new Map<string, { life: string | undefined; waiting: Waiting }>();
  /** By queue that is gone, and one of those that a start has found. */
  #leftOver: Map<string, MessageRecord>[] = [];
  #bytes = 0;
  /** By project. */
  #bytesOf = new Map<string, number>();

  constructor({ space, clock }: { space: Space; clock: Pick<Clock, "now"> }) {
    this.#clock = clock;
    for (const record of space.all("queue")) this.#learn({ op: "put", record });
    for (const record of space.all("message")) this.#learn({ op: "put", record });
    space.onApplied((changes) => {
      for (const change of changes) this.#learn(change);
    });
  }

  /** What a queue has to give; nothing, of one that is gone. */
  of({ name, spec }: QueueRecord): Waiting {
    return this.#waiting.get(name)?.waiting ?? new Waiting(spec.isFifo);
  }

  /** A project may hold as much as is left for others: so one alone half of all, and there is always something left. */
  requireRoom(queue: QueueRecord, message: NewMessage): void {
    if (this.of(queue).size >= limits.queueMessagesMax)
      throw new AwsError("OverLimit", 400, `A queue holds ${limits.queueMessagesMax} messages.`);
    const held = this.#bytesOf.get(queue.project) ?? 0;
    if (held + bytesOf(message) > limits.queueBytesMax - this.#bytes)
      throw new AwsError("OverLimit", 400, "The queues of this project hold all that they can.");
  }

  /** Names of up to `max` messages that are only left over. */
  leftOver(max: number): string[] {
    const names: string[] = [];
    for (const records of this.#leftOver)
      for (const name of records.keys()) {
        if (names.length === max) return names;
        names.push(name);
      }
    return names;
  }

  #learn({ op, record }: Pick<Change, "op" | "record">): void {
    const isGone = op === "delete" || op === "archive";
    if (record.kind === "queue") {
      if (isGone) this.#leave(record.name);
      else this.#open(record);
    } else if (record.kind === "message") {
      if (isGone) this.#forget(record);
      else this.#put(record);
    }
  }

  #open({ name, spec, status: { life } }: QueueRecord): void {
    const known = this.#waiting.get(name);
    if (known && known.life === life) return;
    this.#leave(name);
    this.#waiting.set(name, { life, waiting: new Waiting(spec.isFifo) });
  }

  #leave(name: string): void {
    const records = this.#waiting.get(name)?.waiting.close();
    this.#waiting.delete(name);
    if (records && records.size > 0) this.#leftOver.push(records);
  }

  #put(record: MessageRecord): void {
    const { name, spec, project } = record;
    const queue = this.#waiting.get(parentOf(name));
    if (queue && queue.life === spec.life) {
      const before = queue.waiting.bytes;
      queue.waiting.put(record, this.#clock.now());
      this.#count(project, queue.waiting.bytes - before);
      return;
    }
    this.#forget(record);
    if (this.#leftOver.length === 0) this.#leftOver.push(new Map());
    this.#leftOver[0]!.set(name, record);
    this.#count(project, bytesOf(spec));
  }

  #forget(record: MessageRecord): void {
    const { name, project } = record;
    const waiting = this.#waiting.get(parentOf(name))?.waiting;
    if (waiting?.get(name)) {
      const before = waiting.bytes;
      waiting.remove(record);
      return this.#count(project, waiting.bytes - before);
    }
    const index = this.#leftOver.findIndex((records) => records.has(name));
    const records = this.#leftOver[index];
    if (!records) return;
    this.#count(project, -bytesOf(records.get(name)!.spec));
    records.delete(name);
    if (records.size === 0) this.#leftOver.splice(index, 1);
  }

  #count(project: string, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#bytesOf.get(project) ?? 0) + bytes;
    if (held === 0) this.#bytesOf.delete(project);
    else this.#bytesOf.set(project, held);
  }
}
