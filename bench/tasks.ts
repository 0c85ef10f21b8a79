import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "#/base/limits.ts";
import { appendAll } from "#/sdk/appender.ts";
import type { Client } from "#/sdk/client.ts";
import { readStep } from "#/sdk/results.ts";
import { startCloud, until, type Cloud } from "./cloud.ts";
import { median, medians, quantile, repeat, type BenchOptions, type Report } from "./figures.ts";
import type { Peer, PeerFigures } from "./peers/peer.ts";

const noopModule = `
export function noop() { return 0; }
export function startedAt() { return performance.timeOrigin + performance.now(); }
`;
export const singleTasks = 500;
const bagTasks = 1_000_000;
export const peerBulkTasks = 20_000;

/**
 * Durable no-op tasks by the real road, each part a process of its own: submitter (this one) → API →
 * log on disk → scheduler → agent → warm runner → acknowledged on disk → result seen by the submitter.
 */
export async function benchTasks(options: BenchOptions): Promise<Report> {
  const { say, runs, tasks, folder } = options;
  const full = await withCloud(join(folder, "full"), [], async (client, module) => {
    say(`tasks: ${runs} bags of ${tasks}, in batches`);
    const rates = await warmed(runs, () => bulk(client, module, tasks));
    say(`tasks: ${runs} times ${singleTasks} tasks, one at a time`);
    return { rates, singles: medians(await warmed(runs, () => oneAtATime(client, module))) };
  });
  say("tasks: the same, surviving kill -9 but not a power cut");
  const normal = await withCloud(
    join(folder, "normal"),
    ["--durability", "normal"],
    async (client, module) => ({
      rates: await warmed(runs, () => bulk(client, module, tasks)),
      singles: medians(await warmed(runs, () => oneAtATime(client, module))),
    }),
  );
  say(`tasks: a bag of ${bagTasks}, queued, then drained`);
  const bag = await bagOf(join(folder, "bag"));
  say(`tasks: a start with ${bagTasks} waiting tasks`);
  const restart = await restartWith(join(folder, "restart"));
  const figures: Record<string, number> = {
    tasksPerSecond: median(full.rates),
    tasksPerSecondWorst: Math.min(...full.rates),
    ...full.singles,
    normalTasksPerSecond: median(normal.rates),
    normalOneAtATimeP50Ms: normal.singles["oneAtATimeP50Ms"]!,
    normalOneAtATimeP99Ms: normal.singles["oneAtATimeP99Ms"]!,
    ...bag,
    ...restart,
  };
  const { peers, ratios } = options.peers
    ? await besidePeers(figures, options)
    : { peers: {}, ratios: {} };
  return { bench: "tasks", figures, peers, ratios };
}

/** Repeats a phase twice more than it counts: that warms connections and code up, as with the peers. */
export async function warmed<T>(runs: number, phase: () => Promise<T>): Promise<T[]> {
  await repeat(2, phase);
  return repeat(runs, phase);
}

/** A cloud of its own, which has run a small bag. */
export async function withCloud<T>(
  folder: string,
  args: string[],
  action: (client: Client, module: string, cloud: Cloud) => Promise<T>,
): Promise<T> {
  const cloud = await startCloud(folder, args);
  try {
    const client = await cloud.client();
    const { key } = await client.putBlob(Buffer.from(noopModule));
    await bulk(client, key, 2000);
    return await action(client, key, cloud);
  } finally {
    await cloud.stop();
  }
}

function submit(client: Client, module: string, name: "noop" | "startedAt") {
  return client.submitJob({
    title: name,
    steps: [{ name, run: { driver: "runner", module, function: name }, source: { type: "list" } }],
  });
}

/** Tasks per second, from the submit of the job to the last result seen. */
export async function bulk(client: Client, module: string, tasks: number): Promise<number> {
  const inputs = Array.from({ length: tasks }, () => "[]");
  const startMs = performance.now();
  const { id } = await submit(client, module, "noop");
  const [seen] = await Promise.all([drain(client, id), appendAll(client, id, 0, inputs)]);
  if (seen !== tasks) throw new Error(`Cannot measure as ${seen} results came of ${tasks} tasks`);
  return tasks / ((performance.now() - startMs) / 1000);
}

/** Reads all results; gives how many there were. */
async function drain(client: Client, job: string): Promise<number> {
  let seen = 0;
  for await (const batch of readStep(client, job, 0, { order: "finish" })) {
    for (const { error } of batch)
      if (error) throw new Error(`Cannot measure as a task failed: ${error.message}`);
    seen += batch.length;
  }
  return seen;
}

export async function oneAtATime(client: Client, module: string): Promise<Record<string, number>> {
  const { id } = await submit(client, module, "startedAt");
  const results = readStep(client, id, 0, { order: "finish" });
  const latenciesMs: number[] = [];
  const startsMs: number[] = [];
  for (let index = 0; index < singleTasks; index++) {
    const startMs = performance.now();
    await client.appendTasks(id, 0, index, ["[]"]);
    const { value } = await results.next();
    latenciesMs.push(performance.now() - startMs);
    startsMs.push(
      ((value as { value?: unknown }[])[0]!.value as number) - performance.timeOrigin - startMs,
    );
  }
  await client.appendTasks(id, 0, singleTasks, [], true);
  while (!(await results.next()).done);
  return {
    oneAtATimeP50Ms: median(latenciesMs),
    oneAtATimeP99Ms: quantile(latenciesMs, 0.99),
    startP50Ms: median(startsMs),
    startP99Ms: quantile(startsMs, 0.99),
  };
}

/** A million tasks made while no machine takes any, then drained; with the memory that each needs. */
async function bagOf(folder: string): Promise<Record<string, number>> {
  return await withCloud(folder, [], async (client, module, cloud) => {
    const before = await cloud.memory();
    await cordon(client, true);
    const startMs = performance.now();
    const job = await queue(client, module);
    const queuedMs = performance.now() - startMs;
    const waiting = await cloud.memory();
    const drainStartMs = performance.now();
    await cordon(client, false);
    const seen = await drain(client, job);
    const drainedMs = performance.now() - drainStartMs;
    if (seen !== bagTasks)
      throw new Error(`Cannot measure as ${seen} results came of ${bagTasks} tasks`);
    const after = await cloud.memory();
    return {
      bagQueuedS: queuedMs / 1000,
      bagDrainedS: drainedMs / 1000,
      bagS: (queuedMs + drainedMs) / 1000,
      bytesPerTask: (waiting.heapBytes - before.heapBytes) / bagTasks,
      residentBytesPerTask: (waiting.residentBytes - before.residentBytes) / bagTasks,
      bytesPerFinishedTask: (after.heapBytes - before.heapBytes) / bagTasks,
    };
  });
}

/** From the start of `canopy up` until it is ready, after kill -9 with a million tasks waiting. */
async function restartWith(folder: string): Promise<Record<string, number>> {
  await mkdir(folder);
  const first = await startCloud(folder);
  try {
    const client = await first.client();
    const { key } = await client.putBlob(Buffer.from(noopModule));
    await cordon(client, true);
    await queue(client, key);
  } finally {
    await first.kill();
  }
  // The same port, as its agent has outlived it and comes back to where it was.
  const again = await startCloud(folder, [], Number(new URL(first.url).port));
  try {
    const { tasksWaiting } = await (await again.client()).status();
    if (tasksWaiting !== bagTasks)
      throw new Error(`Cannot measure as ${tasksWaiting} tasks wait after the start`);
    return { restartS: again.readyMs / 1000 };
  } finally {
    await again.stop();
  }
}

async function queue(client: Client, module: string): Promise<string> {
  const { id } = await submit(client, module, "noop");
  await appendAll(client, id, 0, inputsOf(bagTasks));
  return id;
}

function* inputsOf(count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield `[${index}]`;
}

async function cordon(client: Client, cordoned: boolean): Promise<void> {
  await until("a machine", async () => (await client.status()).machinesConnected > 0);
  const { items } = await client.machines({ limit: limits.pageMax });
  for (const { name } of items) await client.changeMachine(name, { cordoned });
}

/** The same work by those who are present on this machine, and how many times better ours is. */
async function besidePeers(ours: Record<string, number>, { runs, folder, say }: BenchOptions) {
  // Not a static import: the peers' packages need not be installed.
  const all = new URL("peers/all.ts", import.meta.url).href;
  const { peers: known } = (await import(all)) as { peers: readonly Peer[] };
  const peers: Record<string, Record<string, number>> = {};
  const ratios: Record<string, number> = {};
  const durable: number[] = [];
  for (const peer of known) {
    const missing = await peer.missing();
    if (missing !== undefined) {
      say(`tasks: ${peer.name} is left out: ${missing}`);
      continue;
    }
    say(`tasks: ${peer.name}`);
    const own = join(folder, peer.name.replaceAll(/\W+/g, "-"));
    await mkdir(own, { mode: 0o711 });
    const figures = await peer.run({ bulkTasks: peerBulkTasks, singleTasks, folder: own, runs });
    peers[peer.name] = numbersOf(figures);
    const better = ours["tasksPerSecond"]! / figures.tasksPerSecond;
    ratios[`${peer.name} tasksPerSecond`] = better;
    ratios[`${peer.name} oneAtATimeP50Ms`] = figures.oneAtATimeP50Ms / ours["oneAtATimeP50Ms"]!;
    if (peer.durability === "fsync") durable.push(better);
  }
  if (durable.length > 0)
    ratios["tasksPerSecond of the best that syncs to disk"] = Math.min(...durable);
  return { peers, ratios };
}

export function numbersOf(figures: PeerFigures): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number",
    ),
  );
}
