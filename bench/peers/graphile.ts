import { join } from "node:path";
import { loadGraphile, type WorkerUtils } from "./graphile-module.ts";
import { measure, wallClockMs, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { connectPostgres, Notifications, postgresPool } from "./postgres-client.ts";
import { postgresMissing, startPostgres } from "./postgres.ts";
import { startWorker } from "./process.ts";

const bulkJobsMax = 5_000;
const workerCount = 2;

export const graphile: Peer = {
  name: "graphile-worker",
  durability: "fsync",
  async missing() {
    const installed = await loadGraphile().then(
      () => true,
      () => false,
    );
    return installed ? postgresMissing() : "graphile-worker is not installed: node bench/setup.mjs";
  },
  async run(options) {
    const { makeWorkerUtils, Logger } = await loadGraphile();
    const own = options.postgres
      ? undefined
      : await startPostgres(join(options.folder, "postgres"));
    const postgres = options.postgres ?? own!;
    const pgPool = await postgresPool(postgres.url);
    const utils = await makeWorkerUtils({
      pgPool,
      logger: new Logger(() => () => undefined),
    });
    await utils.migrate();
    const listener = await connectPostgres(postgres.url);
    await listener.query(tellDeletions);
    const workers = await Promise.all(
      Array.from({ length: workerCount }, () =>
        startWorker("./graphile-worker.ts", [postgres.url]),
      ),
    );
    const results = new Notifications(listener);
    let startedMs = 0;
    for (const { child } of workers)
      child.on("message", (message) => (startedMs = Number(message)));
    try {
      return await measure(options, (bulkTasks, singleTasks) =>
        once(utils, results, () => startedMs, bulkTasks, singleTasks),
      );
    } finally {
      await Promise.all(workers.map((worker) => worker.stop("SIGKILL")));
      await utils.release();
      await Promise.all([pgPool.end(), listener.end()]);
      await own?.stop();
    }
  },
};

/**
 * graphile-worker deletes a job once it is done and keeps no result, so the submitter is told of the deletions: with
 * their commit, and once for each batch.
 */
const tellDeletions = `
  create function tell_deletions() returns trigger language plpgsql as $$ begin
    perform pg_notify('done', (select count(*) from gone)::text);
    return null;
  end $$;
  create trigger tell_deletions after delete on graphile_worker._private_jobs
    referencing old table as gone for each statement execute function tell_deletions();
  listen done;`;

async function once(
  utils: WorkerUtils,
  results: Notifications,
  startedMs: () => number,
  bulkTasks: number,
  singleTasks: number,
): Promise<OneRun> {
  const bulkStartMs = performance.now();
  const seen = results.next(bulkTasks);
  for (let from = 0; from < bulkTasks; from += bulkJobsMax) {
    const length = Math.min(bulkJobsMax, bulkTasks - from);
    await utils.addJobs(
      Array.from({ length }, (_, index) => ({
        identifier: "noop",
        payload: { index: from + index },
      })),
    );
  }
  await seen;
  const bulkMs = performance.now() - bulkStartMs;
  const latenciesMs: number[] = [];
  const startsMs: number[] = [];
  for (let index = 0; index < singleTasks; index++) {
    const submittedMs = wallClockMs();
    await Promise.all([results.next(1), utils.addJob("started", { index })]);
    latenciesMs.push(wallClockMs() - submittedMs);
    startsMs.push(startedMs() - submittedMs);
  }
  return { bulkMs, latenciesMs, startsMs };
}
