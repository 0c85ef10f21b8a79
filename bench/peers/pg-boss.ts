import { join } from "node:path";
import { measure, wallClockMs, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { loadPgBoss, startPgBoss, type PgBoss } from "./pg-boss-module.ts";
import { connectPostgres, Notifications } from "./postgres-client.ts";
import { postgresMissing, startPostgres } from "./postgres.ts";
import { startWorker } from "./process.ts";

const bulkJobsMax = 5_000;

export const pgBoss: Peer = {
  name: "pg-boss",
  durability: "fsync",
  async missing() {
    const installed = await loadPgBoss().then(
      () => true,
      () => false,
    );
    return installed ? postgresMissing() : "pg-boss is not installed: node bench/setup.mjs";
  },
  async run(options) {
    const own = options.postgres
      ? undefined
      : await startPostgres(join(options.folder, "postgres"));
    const postgres = options.postgres ?? own!;
    const boss = await startPgBoss(postgres.url, {});
    await boss.createQueue("tasks", { notify: true });
    const listener = await connectPostgres(postgres.url);
    await listener.query(tellCompletions);
    const worker = await startWorker("./pg-boss-worker.ts", [postgres.url]);
    const results = new Notifications(listener);
    let startedMs = 0;
    worker.child.on("message", (message) => (startedMs = Number(message)));
    try {
      return await measure(options, (bulkTasks, singleTasks) =>
        once(boss, results, () => startedMs, bulkTasks, singleTasks),
      );
    } finally {
      await worker.stop("SIGKILL");
      await Promise.all([boss.stop({ graceful: false }), listener.end()]);
      await own?.stop();
    }
  },
};

/**
 * pg-boss keeps results but wakes nobody for them, and looking for them often would slow it down. So the submitter is
 * told of completions: with their commit, and once for each batch.
 */
const tellCompletions = `
  create function tell_completions() returns trigger language plpgsql as $$ declare completed int; begin
    select count(*) into completed from changed where state = 'completed';
    if completed > 0 then perform pg_notify('done', completed::text); end if;
    return null;
  end $$;
  create trigger tell_completions after update on pgboss.job_common
    referencing new table as changed for each statement execute function tell_completions();
  listen done;`;

async function once(
  boss: PgBoss,
  results: Notifications,
  startedMs: () => number,
  bulkTasks: number,
  singleTasks: number,
): Promise<OneRun> {
  const bulkStartMs = performance.now();
  const seen = results.next(bulkTasks);
  for (let from = 0; from < bulkTasks; from += bulkJobsMax) {
    const length = Math.min(bulkJobsMax, bulkTasks - from);
    await boss.insert(
      "tasks",
      Array.from({ length }, (_, index) => ({ data: { index: from + index } })),
    );
  }
  await seen;
  const bulkMs = performance.now() - bulkStartMs;
  const latenciesMs: number[] = [];
  const startsMs: number[] = [];
  for (let index = 0; index < singleTasks; index++) {
    const submittedMs = wallClockMs();
    await Promise.all([results.next(1), boss.send("tasks", { index })]);
    latenciesMs.push(wallClockMs() - submittedMs);
    startsMs.push(startedMs() - submittedMs);
  }
  return { bulkMs, latenciesMs, startsMs };
}
