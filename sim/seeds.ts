import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./run.ts";

export interface SeedsOptions {
  from: number;
  forMs: number;
  /** All processors when undefined. */
  workers?: number | undefined;
}

/** Runs seed after seed on all processors until the time is over, or one broke a promise. */
export async function runSeeds(
  options: SeedsOptions,
): Promise<{ outcomes: Outcome[]; processors: number }> {
  const processors = options.workers ?? availableParallelism();
  const outcomes: Outcome[] = [];
  const workers = Array.from(
    { length: processors },
    () => new Worker(new URL("./thread.ts", import.meta.url)),
  );
  const untilMs = performance.now() + options.forMs;
  let next = options.from;
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          const more = () => {
            if (performance.now() < untilMs && !outcomes.some(({ violation }) => violation))
              worker.postMessage(next++);
            else resolve();
          };
          worker.on("message", (outcome: Outcome) => {
            outcomes.push(outcome);
            more();
          });
          worker.on("error", reject);
          more();
        }),
    ),
  ).finally(() => Promise.all(workers.map((worker) => worker.terminate())));
  return { outcomes, processors };
}
