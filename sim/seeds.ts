import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./run.ts";

export interface SeedsOptions {
  from: number;
  /** No seed is begun after this. */
  forMs?: number | undefined;
  /** Nor are there more than so many. */
  count?: number | undefined;
  /** All processors when undefined. */
  workers?: number | undefined;
}

/** Real time with no event, of which thousands are usual in a second. */
const stuckMs = 30_000;
const lookMs = 1_000;

/** Runs seed after seed on all processors until there were enough, or one broke a promise. */
export async function runSeeds(
  options: SeedsOptions,
): Promise<{ outcomes: Outcome[]; processors: number }> {
  const { from, forMs = Infinity, count = Infinity } = options;
  const processors = options.workers ?? availableParallelism();
  const outcomes: Outcome[] = [];
  const untilMs = performance.now() + forMs;
  let next = from;
  const hasTime = () => performance.now() < untilMs;
  const work = async () => {
    const thread = new Thread();
    while (hasTime() && next < from + count) {
      outcomes.push(await thread.run(next++));
      if (outcomes.some(({ violation }) => violation)) break;
    }
    await thread.end();
  };
  await Promise.all(Array.from({ length: processors }, work));
  return { outcomes, processors };
}

/** Time of processors that this process has had, all of its threads. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Runs one seed at a time beside this thread, which sees what never comes back: events are counted, and on
 * the busiest machine some happen. Of no more use after that.
 */
class Thread {
  #events = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: this.#events });
  #onOutcome: (outcome: Outcome | string) => void = () => {};

  constructor() {
    this.#worker.on("message", (outcome: Outcome) => this.#onOutcome(outcome));
    this.#worker.on("error", (thrown) => this.#onOutcome(`its thread failed: ${String(thrown)}`));
    this.#worker.on("exit", () => this.#onOutcome("its thread has ended"));
  }

  run(seed: number): Promise<Outcome> {
    const startMs = performance.now();
    return new Promise((resolve) => {
      const timer = this.#watch();
      this.#onOutcome = (outcome) => {
        clearInterval(timer);
        const realMs = performance.now() - startMs;
        resolve(typeof outcome === "string" ? failed(seed, realMs, outcome) : outcome);
      };
      this.#worker.postMessage(seed);
    });
  }

  #watch(): NodeJS.Timeout {
    let [events, sinceMs] = [-1, 0];
    return setInterval(() => {
      const now = Atomics.load(this.#events, 0);
      if (now !== events) [events, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > stuckMs)
        this.#onOutcome(`it hangs: an event, or what follows it, has no end in ${stuckMs} ms`);
    }, lookMs);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Of a seed that gave no outcome of its own. */
function failed(seed: number, realMs: number, message: string): Outcome {
  return {
    seed,
    digest: "",
    simulatedMs: 0,
    realMs,
    events: 0,
    faults: {},
    jobs: 0,
    tasks: 0,
    attempts: 0,
    answers: 0,
    restarts: 0,
    failovers: 0,
    convergedMs: 0,
    violation: { message, last: [] },
  };
}
