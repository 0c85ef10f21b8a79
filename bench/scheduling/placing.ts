import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { limits } from "#/base/limits.ts";
import { appendTasks, submitJob } from "#/jobs/submit.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { plainMeter } from "#/meter/meter.ts";
import { jobRequest } from "#/model/job-request.ts";
import type { Placement } from "#/model/placement.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import type { SpaceLog } from "#/space/log.ts";
import { Space } from "#/space/space.ts";
import { putMachine, SimulatedAgent } from "./simulated-agent.ts";

export const machineCapacity = { milliCpus: 4000, memoryBytes: 32 * 2 ** 30 };
export const taskNeeds = { cpus: 0.1, memoryBytes: 500 * 2 ** 20 };

/** A scheduler with so many idle machines, each with an open pull, as production wires it but for the links. */
export class Placing {
  readonly space: Space;
  readonly scheduler: Scheduler;
  /** Which machine has a task now. */
  readonly placed = new Map<string, string>();
  /** So often a task was handed out, again where its machine had left. */
  placements = 0;
  #jobs: { stop(): void };
  #agents: SimulatedAgent[] = [];
  #machines = 0;
  #submitted = 0;
  #wanted = Infinity;
  #reached = Promise.withResolvers<void>();

  private constructor(space: Space, placement?: Placement) {
    this.space = space;
    const meter = plainMeter;
    this.scheduler = new Scheduler({ space, clock: nodeClock, log: silent, meter, placement });
    this.#jobs = startJobs({ space, blobs: noBlobs, clock: nodeClock, log: silent });
    this.scheduler.start();
  }

  static async open(log: SpaceLog, machines: number, placement?: Placement): Promise<Placing> {
    const onBroken = (error: unknown) => {
      throw error;
    };
    const space = await Space.open({ log, clock: nodeClock, report: silent, onBroken });
    const placing = new Placing(space, placement);
    await placing.join(machines);
    return placing;
  }

  /** More machines come. */
  async join(count: number): Promise<void> {
    const names = Array.from({ length: count }, () => `m${this.#machines++}`);
    const { durable } = this.space.commit((tx) => {
      for (const name of names) putMachine(tx, name, machineCapacity);
    });
    for (const name of names) {
      const agent = new SimulatedAgent(this.scheduler, name, {
        clock: nodeClock,
        watching: { offered: (tasks, machine) => this.#offered(tasks, machine) },
        runs: false,
      });
      this.#agents.push(agent);
      agent.pull();
    }
    await durable;
  }

  /** The machines that joined first leave, with what they run: an operator removes them. */
  leave(count: number): Promise<void> {
    const gone = this.#agents.splice(0, count);
    for (const agent of gone) agent.leave();
    const names = new Set(gone.map(({ machine }) => machine));
    for (const [task, machine] of this.placed) if (names.has(machine)) this.placed.delete(task);
    return this.space.commit((tx) => {
      for (const { machine } of gone) tx.delete("machine", machine);
    }).durable;
  }

  /** A job whose tasks are still to come; resolves when it runs. */
  async job(needs: { cpus: number; memoryBytes: number }): Promise<string> {
    const id = `j${String(this.#submitted++).padStart(12, "0")}`;
    const request = jobRequest.parse({
      title: "place",
      steps: [
        {
          name: "place",
          run: { driver: "process", command: ["true"] },
          needs,
          source: { type: "list" },
        },
      ],
    });
    const asked = { request, project: "default", submittedBy: "bench", now: nodeClock.now(), id };
    await this.space.commit((tx) => submitJob(tx, asked)).durable;
    while (this.space.get("step", `${id}/0`)?.status.phase !== "running") {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return id;
  }

  /** Commits so many tasks, numbered from `from`, a call's worth at a time. */
  submit(job: string, from: number, count: number): void {
    for (let at = 0; at < count; at += limits.appendTasksMax) {
      const inputs = Array.from({ length: Math.min(limits.appendTasksMax, count - at) }, () => ({
        input: "0",
      }));
      this.space.commit((tx) => appendTasks(tx, { name: `${job}/0` }, from + at, inputs, false));
    }
  }

  /** Resolves when so many tasks are with a machine. */
  async until(placed: number): Promise<void> {
    this.#wanted = placed;
    if (this.placed.size >= placed) return;
    this.#reached = Promise.withResolvers();
    const alive = setInterval(() => {}, 1000); // no timer of the scheduler keeps a process alive
    await this.#reached.promise.finally(() => clearInterval(alive));
  }

  async close(): Promise<void> {
    this.#jobs.stop();
    this.scheduler.stop();
    await this.space.close();
  }

  #offered(tasks: readonly { task: string }[], machine: string): void {
    for (const { task } of tasks) this.placed.set(task, machine);
    this.placements += tasks.length;
    if (this.placed.size >= this.#wanted) this.#reached.resolve();
  }
}

const noBlobs = {
  get: () => Promise.reject(new Error("No blobs here")),
  put: () => Promise.reject(new Error("No blobs here")),
  stat: () => Promise.resolve(undefined),
};

/**
 * What is compared with: every task looks at every machine, in plain arrays, and takes the one with the
 * most CPUs free. No records, no log, no queue, no reasons. Placements per second.
 */
export function fullScan(machines: number, tasks: number): number {
  const freeCpus = new Float64Array(machines).fill(machineCapacity.milliCpus);
  const freeBytes = new Float64Array(machines).fill(machineCapacity.memoryBytes);
  const milliCpus = taskNeeds.cpus * 1000;
  const { memoryBytes } = taskNeeds;
  const startMs = performance.now();
  let placed = 0;
  for (let task = 0; task < tasks; task++) {
    let best = -1;
    let bestFree = -1;
    for (let machine = 0; machine < machines; machine++) {
      const free = freeCpus[machine]!;
      if (free < milliCpus || freeBytes[machine]! < memoryBytes || free <= bestFree) continue;
      best = machine;
      bestFree = free;
    }
    if (best < 0) break;
    freeCpus[best]! -= milliCpus;
    freeBytes[best]! -= memoryBytes;
    placed++;
  }
  return placed / ((performance.now() - startMs) / 1000);
}
