import { loadGraphile } from "./graphile-module.ts";
import { wallClockMs } from "./measure.ts";

// As in graphile-worker's page on performance. Without the batches bulk is nine times slower; one job alone takes a
// third less.
const concurrentJobs = 24;
const batches = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const connectionString = process.argv[2];

const { run, Logger } = await loadGraphile();
await run({
  logger: new Logger(() => () => undefined),
  taskList: {
    noop: () => undefined,
    started: () => void process.send?.(wallClockMs()),
  },
  preset: {
    worker: { connectionString, concurrentJobs, maxPoolSize: concurrentJobs + 1, ...batches },
  },
});
process.send?.("ready");
process.once("disconnect", () => process.exit());
