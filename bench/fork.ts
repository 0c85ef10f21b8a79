import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { Clock } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { startThread } from "#/base/node/threads.ts";
import { Forecaster } from "#/forecast/forecaster.ts";
import { takeMoment } from "#/forecast/moment.ts";
import { submitJob } from "#/jobs/submit.ts";
import { plainMeter } from "#/meter/meter.ts";
import { ratesOf } from "#/meter/prices.ts";
import { jobRequest } from "#/model/job-request.ts";
import { readyStatus, taskName } from "#/model/task.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { medians, repeat, type BenchOptions, type Report } from "./figures.ts";

const machines = 100;
const cpus = 16;
const program = new URL("../src/forecast-thread.ts", import.meta.url);

/** What a forecast costs the cloud that it is of: a state of many waiting tasks, forked on a thread beside. */
export async function benchFork({ runs, tasks, say }: BenchOptions): Promise<Report> {
  const turns = new Turns();
  const clock = turns.clock;
  const onBroken = (thrown: unknown) => {
    throw thrown;
  };
  const space = await Space.open({ log: new MemoryLog(), clock, report: silent, onBroken });
  const scheduler = new Scheduler({ space, clock, log: silent, meter: plainMeter });
  const knowledge = new Knowledge(space);
  fill(space, tasks);
  await space.durable();
  scheduler.start();
  knowledge.start({ clock: nodeClock, log: silent });
  const link = { offer() {}, cancel() {}, forget() {}, fault() {} };
  for (const { name } of space.all("machine")) scheduler.connect(name, [], link, () => "");
  const offers = () => [];
  const parts = { space, scheduler, clock, knowledge, offers, startThread, program };
  const forecaster = new Forecaster(parts);
  say(`fork: ${tasks} tasks wait for ${machines} machines of ${cpus} CPUs`);
  await takeMoment(parts);
  const measured = await repeat(runs, async () => {
    turns.longestMs = 0;
    const startMs = performance.now();
    await takeMoment(parts);
    const momentMs = performance.now() - startMs;
    await forecaster.forecast({ seed: 1, forks: 1, limitMs: 60_000 });
    const { forks, tookMs } = await forecaster.forecast({ seed: 1, forks: 3, limitMs: 60_000 });
    return { momentMs, longestTurnCpuMs: turns.longestMs, forkMs: tookMs / forks };
  });
  forecaster.stop();
  knowledge.stop();
  scheduler.stop();
  await space.close();
  return { bench: "fork", figures: { tasks, ...medians(measured) }, peers: {}, ratios: {} };
}

/** A clock that notes how long the turns of the event loop are that were asked for: by their CPU time, as others may use the computer too. */
class Turns {
  longestMs = 0;
  #beginMs = Infinity;
  readonly clock: Clock = {
    ...nodeClock,
    soon: (action) => {
      this.#end();
      nodeClock.soon(() => {
        this.#beginMs = cpuMs();
        action();
      });
    },
  };

  #end(): void {
    this.longestMs = Math.max(this.longestMs, cpuMs() - this.#beginMs);
    this.#beginMs = Infinity;
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function fill(space: Space, tasks: number): void {
  const capacity = { milliCpus: cpus * 1000, memoryBytes: 64 * 2 ** 30 };
  space.commit((tx) => {
    for (let number = 0; number < machines; number++) {
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name: `m${number}`,
        spec: { keyDigest: "", joinedAt: 0, site: "bench", labels: {}, cordoned: false },
        status: {
          hostname: `m${number}`,
          os: "linux",
          arch: "x64",
          version: "0",
          capacity,
          drivers: ["process"],
          rates: ratesOf(capacity),
        },
      });
    }
    const step = { name: "work", run: { driver: "process", command: ["work"] } };
    const request = jobRequest.parse({
      title: "work",
      steps: [{ ...step, source: { type: "list" } }],
    });
    submitJob(tx, { request, project: "p", submittedBy: "bench", now: nodeClock.now(), id: "j" });
    const record = tx.get("step", "j/0")!;
    const status = { ...record.status, phase: "running" as const, offered: tasks, closed: true };
    tx.put<"step">({ ...record, status });
    for (let index = 0; index < tasks; index++) {
      const name = taskName("j/0", index);
      const spec = { input: JSON.stringify({ index }) };
      tx.put<"task">({ kind: "task", project: "p", name, spec, status: readyStatus });
    }
  });
}
