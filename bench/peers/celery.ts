import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figures, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { findPython, run, startServer } from "./process.ts";
import { redisMissing, startRedis } from "./redis.ts";

/** It takes hundreds a second, so a few thousand say as much as more would. */
const bulkTasksMax = 1_000;
const here = fileURLToPath(new URL(".", import.meta.url));

export const celery: Peer = {
  name: "celery",
  durability: "fsync",
  async missing() {
    const python = await findPython(["celery", "redis"]);
    return python
      ? redisMissing()
      : "celery is not installed: apt-get install celery python3-redis";
  },
  async run(options) {
    const python = (await findPython(["celery", "redis"])) ?? "python3";
    const bulkTasks = Math.min(options.bulkTasks, bulkTasksMax);
    const redis = await startRedis(join(options.folder, "redis"), "always");
    const env = {
      ...process.env,
      PYTHONPATH: here,
      PYTHONDONTWRITEBYTECODE: "1",
      REDIS_URL: `redis://127.0.0.1:${redis.port}/0`,
    };
    await mkdir(options.folder, { recursive: true });
    const quiet = [
      "--without-gossip",
      "--without-mingle",
      "--without-heartbeat",
      "--loglevel=ERROR",
    ];
    const workerArgs = [
      "-m",
      "celery",
      "-A",
      "celery_tasks",
      "worker",
      "--pool=prefork",
      "--concurrency=2",
      ...quiet,
    ];
    const worker = startServer(python, workerArgs, join(options.folder, "worker.log"), env);
    try {
      const args = [
        join(here, "celery_submit.py"),
        `${bulkTasks}`,
        `${options.singleTasks}`,
        `${options.runs}`,
      ];
      const { stdout } = await run(python, args, { env, maxBuffer: 1 << 26 });
      return figures(JSON.parse(stdout) as OneRun[], bulkTasks, options.singleTasks);
    } finally {
      await worker.stop();
      await redis.stop();
    }
  },
};
