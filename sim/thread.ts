import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run.ts";

const events = workerData as Int32Array;

parentPort!.on("message", (seed: number) => {
  const onEvents = () => void Atomics.add(events, 0, 1);
  void runSeed(seed, { onEvents }).then((outcome) => parentPort!.postMessage(outcome));
});
