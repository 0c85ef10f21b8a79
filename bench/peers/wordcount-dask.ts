import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startDaskCluster } from "./dask-cluster.ts";
import { findPython, run } from "./process.ts";
import type { WordCount } from "./wordcount-shell.ts";

const submit = fileURLToPath(new URL("wordcount_dask.py", import.meta.url));

/** Counts with a Dask bag on two worker processes; the time is without the start of the cluster. */
export async function wordCountDask(file: string): Promise<WordCount> {
  const python = (await findPython(["dask.bag", "distributed"])) ?? "python3";
  const folder = await mkdtemp(join(tmpdir(), "bench-wordcount-"));
  const cluster = await startDaskCluster(python, folder, { processes: 2, threads: 1 });
  try {
    const { stdout } = await run(python, [submit, cluster.address, resolve(file)], {
      env: cluster.env,
    });
    return JSON.parse(stdout) as WordCount;
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
