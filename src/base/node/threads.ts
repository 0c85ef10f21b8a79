import { parentPort, Worker } from "node:worker_threads";
import type { StartThread } from "../threads.ts";

export const startThread: StartThread = (program, events) => {
  const worker = new Worker(program);
  worker.unref();
  worker.on("message", (message: unknown) => events.said(message));
  worker.on("error", (thrown) => events.failed(thrown));
  return {
    send: (message) => worker.postMessage(message),
    end: () => void worker.terminate(),
  };
};

/** On the thread: what it is told, and how it answers. */
export function onThread(told: (message: unknown, say: (answer: unknown) => void) => void): void {
  const port = parentPort!;
  port.on("message", (message: unknown) => told(message, (answer) => port.postMessage(answer)));
}
