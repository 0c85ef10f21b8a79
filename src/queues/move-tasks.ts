import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { uuid } from "#/base/uuid.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MessageRecord, MoveTask, QueueRecord } from "#/model/queue.ts";
import type { Space } from "#/space/space.ts";
import { moveTo } from "./messages.ts";
import type { Queues } from "./queues.ts";

/**
 * Takes dead letters back. How far a task came is in the queue's record, written in the commit that moves: it goes on after a
 * restart, and moves nothing twice.
 */
export class MoveTasks {
  #parts: { space: Space; queues: Queues; clock: Clock; random: Random; log: Log };
  #loop: Loop | undefined;

  constructor(parts: { space: Space; queues: Queues; clock: Clock; random: Random; log: Log }) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    this.#loop = startLoop("dead letters", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.moveLookMs,
    });
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Throws "UnsupportedOperation" while another one of the queue runs. */
  begin(queue: QueueRecord, asked: Pick<MoveTask, "destinationArn" | "perSecond">): MoveTask {
    const { space, queues, clock, random } = this.#parts;
    if (queue.status.moves?.some(({ state }) => state === "RUNNING"))
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
      );
    const total = queues.counts(queue).visible;
    const startedAt = clock.now();
    const task: MoveTask = {
      id: uuid(random),
      startedAt,
      total,
      moved: 0,
      state: "RUNNING",
      ...asked,
    };
    const moves = [task, ...(queue.status.moves ?? [])].slice(0, limits.moveTasksMax);
    space.commit((tx) => tx.put<"queue">({ ...queue, status: { ...queue.status, moves } }));
    this.#loop?.wake();
    return task;
  }

  /** How many it had moved by then. Throws "ResourceNotFoundException" for one that does not run. */
  cancel(queue: QueueRecord, id: string): number {
    const task = queue.status.moves?.find((one) => one.id === id && one.state === "RUNNING");
    if (!task) throw new AwsError("ResourceNotFoundException", 404, "Task does not exist.");
    this.#parts.space.commit((tx) =>
      tx.put<"queue">(withTask(queue, { ...task, state: "CANCELLED" })),
    );
    return task.moved;
  }

  #turn(): void {
    for (const queue of this.#parts.space.all("queue")) {
      const task = queue.status.moves?.find(({ state }) => state === "RUNNING");
      if (task) this.#move(queue, task);
    }
  }

  #move(queue: QueueRecord, task: MoveTask): void {
    const { space, clock } = this.#parts;
    const now = clock.now();
    const max = Math.min(task.perSecond ?? limits.moveBatchMax, limits.moveBatchMax);
    const batch: MessageRecord[] = [];
    for (const record of space.list("message", queue.name)) {
      if (batch.length === max) break;
      const isThere =
        record.status.deletedAt === undefined && record.spec.life === queue.status.life;
      if (isThere && record.status.visibleAt <= now) batch.push(record);
    }
    const { sent, failure } = this.#destinations(queue, task, batch);
    const moved = task.moved + sent.length;
    const isOver = batch.length < max || failure !== undefined;
    const state = failure !== undefined ? "FAILED" : isOver ? "COMPLETED" : "RUNNING";
    space.commit((tx) => {
      for (const { record, to } of sent) moveTo(tx, fresh(record, now), { to, now });
      tx.put<"queue">(
        withTask(queue, { ...task, moved, state, ...(failure !== undefined && { failure }) }),
      );
    });
    if (!isOver && task.perSecond === undefined) this.#loop?.wake();
  }

  /** Where each of a batch goes, up to the first that goes nowhere. */
  #destinations(queue: QueueRecord, { destinationArn }: MoveTask, batch: readonly MessageRecord[]) {
    const { queues } = this.#parts;
    const sent: { record: MessageRecord; to: QueueRecord }[] = [];
    for (const record of batch) {
      const arn = destinationArn ?? record.spec.sourceArn;
      const to = arn === undefined ? undefined : queues.find(queue.project, titleOf(arn));
      if (!to || queues.arnOf(to) !== arn)
        return {
          sent,
          failure:
            arn === undefined
              ? "CouldNotDetermineMessageSource"
              : "AWS.SimpleQueueService.NonExistentQueue",
        };
      sent.push({ record, to });
    }
    return { sent, failure: undefined };
  }
}

export const titleOf = (arn: string): string => arn.slice(arn.lastIndexOf(":") + 1);

/** As if it had just been sent: it is counted anew how often it is received, and it is no dead letter any more. */
function fresh({ spec, status, ...record }: MessageRecord, now: number): MessageRecord {
  const { sourceArn: _source, ...kept } = spec;
  const { visibleAt } = status;
  return { ...record, spec: { ...kept, sentAt: now }, status: { visibleAt, receives: 0 } };
}

function withTask(queue: QueueRecord, task: MoveTask): QueueRecord {
  const moves = queue.status.moves?.map((one) => (one.id === task.id ? task : one)) ?? [];
  return { ...queue, status: { ...queue.status, moves } };
}
