import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort, portOpen, startServer } from "./process.ts";

export interface DaskCluster {
  address: string;
  env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Dask's own settings, as the environment gives them: tasks go to the workers at once, and less is watched. */
const settings = {
  DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION: "inf",
  DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING: "False",
  DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED: "False",
  DASK_DISTRIBUTED__WORKER__PROFILE__INTERVAL: "10s",
  DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL: "10s",
  DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL: "10s",
};

export async function startDaskCluster(
  python: string,
  folder: string,
  workers: { processes: number; threads: number },
): Promise<DaskCluster> {
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, ...settings, PYTHONDONTWRITEBYTECODE: "1" };
  const port = await freePort();
  const address = `tcp://127.0.0.1:${port}`;
  const logPath = join(folder, "dask.log");
  const quiet = ["--no-dashboard", "--host", "127.0.0.1"];
  const schedulerArgs = ["-m", "distributed.cli.dask_scheduler", "--port", `${port}`, ...quiet];
  const scheduler = startServer(python, schedulerArgs, logPath, env);
  await portOpen(port, logPath);
  const workerArgs = ["-m", "distributed.cli.dask_worker", address, ...quiet, "--no-nanny"];
  const workerOptions = ["--nthreads", `${workers.threads}`, "--local-directory", folder];
  const started = Array.from({ length: workers.processes }, () =>
    startServer(python, [...workerArgs, ...workerOptions], logPath, env),
  );
  return {
    address,
    env,
    async stop() {
      await Promise.all(started.map((worker) => worker.stop("SIGKILL")));
      await scheduler.stop("SIGKILL");
    },
  };
}
