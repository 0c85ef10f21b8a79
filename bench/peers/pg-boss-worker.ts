import { startPgBoss } from "./pg-boss-module.ts";
import { wallClockMs } from "./measure.ts";

const batchSize = 5_000;

const boss = await startPgBoss(process.argv[2] ?? "", {
  useListenNotify: true,
  supervise: false,
  max: 4,
});
await boss.work(
  "tasks",
  // Woken by the database, and while batches come back full it fetches on without a pause.
  { batchSize, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
  async (jobs) => {
    if (jobs.length === 1) process.send?.(wallClockMs());
  },
);
process.send?.("ready");
process.once("disconnect", () => process.exit());
