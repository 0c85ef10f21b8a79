import { join } from "node:path";
import { loadBullmq, type Queue, type QueueEvents } from "./bullmq-module.ts";
import { measure, wallClockMs, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { startWorker } from "./process.ts";
import { redisMissing, startRedis, type Appendfsync } from "./redis.ts";

const bulkJobsMax = 1_000;
/** One worker process, as two were slower on two cores. */
const workerConcurrency = 100;
/** BullMQ trims its stream of events to 10,000 unless told, and a submitter that is behind would miss results. */
const eventsMax = 10_000_000;

function bullmq(appendfsync: Appendfsync): Peer {
  return {
    name: `bullmq-${appendfsync}`,
    durability: appendfsync === "always" ? "fsync" : "kill-9",
    async missing() {
      const installed = await loadBullmq().then(
        () => true,
        () => false,
      );
      return installed ? redisMissing() : "bullmq is not installed: node bench/setup.mjs";
    },
    async run(options) {
      const { Queue, QueueEvents } = await loadBullmq();
      const redis = await startRedis(join(options.folder, "redis"), appendfsync);
      const worker = await startWorker("./bullmq-worker.ts", [
        `${redis.port}`,
        `${workerConcurrency}`,
      ]);
      const connection = { host: "127.0.0.1", port: redis.port, maxRetriesPerRequest: null };
      const queue = new Queue("tasks", { connection, streams: { events: { maxLen: eventsMax } } });
      // From the first event, because "only new ones" would begin a moment after it says that it is ready.
      const events = new QueueEvents("tasks", { connection, lastEventId: "0-0" });
      await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
      const results = new Results(events);
      try {
        return await measure(options, (bulkTasks, singleTasks) =>
          once(queue, results, bulkTasks, singleTasks),
        );
      } finally {
        await worker.stop("SIGKILL");
        await Promise.all([queue.close(), events.close()]);
        await redis.stop();
      }
    },
  };
}

export const bullmqAlways = bullmq("always");
export const bullmqEverysec = bullmq("everysec");

async function once(
  queue: Queue,
  results: Results,
  bulkTasks: number,
  singleTasks: number,
): Promise<OneRun> {
  const bulkStartMs = performance.now();
  const seen = results.next(bulkTasks);
  const adds: Promise<unknown>[] = [];
  for (let from = 0; from < bulkTasks; from += bulkJobsMax) {
    const length = Math.min(bulkJobsMax, bulkTasks - from);
    adds.push(
      queue.addBulk(Array.from({ length }, (_, index) => ({ name: "noop", data: from + index }))),
    );
  }
  await Promise.all([seen, ...adds]);
  const bulkMs = performance.now() - bulkStartMs;
  const latenciesMs: number[] = [];
  const startsMs: number[] = [];
  for (let index = 0; index < singleTasks; index++) {
    const submittedMs = wallClockMs();
    const [startedMs] = await Promise.all([results.next(1), queue.add("noop", index)]);
    latenciesMs.push(wallClockMs() - submittedMs);
    startsMs.push(startedMs - submittedMs);
  }
  return { bulkMs, latenciesMs, startsMs };
}

/** The submitter's view: BullMQ's stream of events, read by a connection of its own. */
class Results {
  #left = 0;
  #done: (value: number) => void = () => undefined;

  constructor(events: QueueEvents) {
    events.on("completed", ({ returnvalue }) => {
      if (--this.#left === 0) this.#done(Number(returnvalue));
    });
  }

  /** Resolves with what the last of the next `count` tasks returned. */
  next(count: number): Promise<number> {
    this.#left = count;
    return new Promise((resolve) => (this.#done = resolve));
  }
}
