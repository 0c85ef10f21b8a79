import { loadBullmq } from "./bullmq-module.ts";
import { wallClockMs } from "./measure.ts";

const port = Number(process.argv[2]);
const concurrency = Number(process.argv[3]);
const { Worker } = await loadBullmq();
const worker = new Worker("tasks", async () => wallClockMs(), {
  connection: { host: "127.0.0.1", port, maxRetriesPerRequest: null },
  concurrency,
  removeOnComplete: { count: 0 },
});
worker.on("error", () => undefined);
await worker.waitUntilReady();
process.send?.("ready");
process.once("disconnect", () => process.exit());
