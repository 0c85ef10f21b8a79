import { limits } from "#/base/limits.ts";
import type { QueueRecord } from "#/model/queue.ts";
import type { Queues } from "#/queues/queues.ts";
import type { Space } from "#/space/space.ts";
import type { Message, Place } from "./places.ts";

/** Queues of this cloud, as they are told of what happens in buckets and to instances. Those in order are not, as with S3. */
export class QueuePlace implements Place {
  /** They share what a write to disk costs. */
  readonly atOnceMax = limits.noticesToQueueMax;
  #queues: Queues;
  #space: Pick<Space, "durable">;

  constructor(parts: { queues: Queues; space: Pick<Space, "durable"> }) {
    this.#queues = parts.queues;
    this.#space = parts.space;
  }

  isThere(arn: string, project: string): boolean {
    return this.#find(arn, project) !== undefined;
  }

  async tell(arn: string, project: string, { body, sender }: Message): Promise<void> {
    const queue = this.#find(arn, project);
    if (!queue) throw new Error("the queue is gone");
    this.#queues.send(queue, { body, senderId: sender });
    await this.#space.durable();
  }

  #find(arn: string, project: string): QueueRecord | undefined {
    const title = arn.slice(arn.lastIndexOf(":") + 1);
    const queue = this.#queues.find(project, title);
    return queue && !queue.spec.isFifo && this.#queues.arnOf(queue) === arn ? queue : undefined;
  }
}
