import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDaskCluster } from "./dask-cluster.ts";
import { figures, type OneRun } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { findPython, run } from "./process.ts";

/** A lone task takes it 11 ms, so a hundred say enough about its latency. */
const singleTasksMax = 100;
const bulkTasksMax = 5_000;
const submit = fileURLToPath(new URL("dask_submit.py", import.meta.url));

export async function daskMissing(): Promise<string | undefined> {
  const python = await findPython(["dask.bag", "distributed"]);
  return python
    ? undefined
    : "Dask is not installed: apt-get install python3-dask python3-distributed";
}

/** Dask keeps its queue in the scheduler's memory only. */
export const dask: Peer = {
  name: "dask",
  durability: "none",
  missing: daskMissing,
  async run(options) {
    const python = (await findPython(["distributed"])) ?? "python3";
    const bulkTasks = Math.min(options.bulkTasks, bulkTasksMax);
    const singleTasks = Math.min(options.singleTasks, singleTasksMax);
    const cluster = await startDaskCluster(python, join(options.folder, "dask"), {
      processes: 2,
      threads: 1,
    });
    try {
      const args = [submit, cluster.address, `${bulkTasks}`, `${singleTasks}`, `${options.runs}`];
      const { stdout } = await run(python, args, { env: cluster.env, maxBuffer: 1 << 26 });
      return figures(JSON.parse(stdout) as OneRun[], bulkTasks, singleTasks);
    } finally {
      await cluster.stop();
    }
  },
};
