import { parentPort } from "node:worker_threads";
import { runSeed } from "./run.ts";

parentPort!.on("message", (seed: number) => {
  void runSeed(seed).then((outcome) => parentPort!.postMessage(outcome));
});
