import type { PeerFigures, PeerOptions } from "./peer.ts";

/** One repetition of both phases. */
export interface OneRun {
  bulkMs: number;
  latenciesMs: number[];
  startsMs: number[];
}

/** Milliseconds on the wall clock of this host, comparable between its processes. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Runs both phases `runs` times, after two more that warm connections and code up. */
export async function measure(
  options: PeerOptions,
  once: (bulkTasks: number, singleTasks: number) => Promise<OneRun>,
): Promise<PeerFigures> {
  const { bulkTasks, singleTasks, runs } = options;
  for (let warming = 0; warming < 2; warming++) await once(bulkTasks, singleTasks);
  const results: OneRun[] = [];
  for (let run = 0; run < runs; run++) results.push(await once(bulkTasks, singleTasks));
  return figures(results, bulkTasks, singleTasks);
}

export function figures(results: OneRun[], bulkTasks: number, singleTasks: number): PeerFigures {
  const middle = (value: (run: OneRun) => number): number => quantile(results.map(value), 0.5);
  return {
    tasksPerSecond: middle((run) => bulkTasks / (run.bulkMs / 1000)),
    oneAtATimeP50Ms: middle((run) => quantile(run.latenciesMs, 0.5)),
    oneAtATimeP99Ms: middle((run) => quantile(run.latenciesMs, 0.99)),
    ...(results.every((run) => run.startsMs.length > 0) && {
      startP50Ms: middle((run) => quantile(run.startsMs, 0.5)),
      startP99Ms: middle((run) => quantile(run.startsMs, 0.99)),
    }),
    bulkTasks,
    singleTasks,
  };
}

/** Nearest rank: the smallest value that at least the share `q` of all values does not exceed. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
