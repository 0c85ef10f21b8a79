import { createHash } from "node:crypto";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { ratesOf } from "#/meter/prices.ts";
import { jobRequest, type JobRequestInput, type StepRequestInput } from "#/model/job-request.ts";
import type { JobRecord } from "#/model/job.ts";
import { parentOf } from "#/model/record.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { startJobs } from "../jobs.ts";
import { submitJob } from "../submit.ts";

/** A space with the jobs loop at work, where the test plays the scheduler. */
export class Stage {
  clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly blobs = new Map<string, Uint8Array>();
  space!: Space;
  #jobs: { stop(): void } | undefined;
  #made = 0;

  static async open(): Promise<Stage> {
    const stage = new Stage();
    await stage.start();
    return stage;
  }

  /** Starts, or starts again, from what the log has. */
  async start(): Promise<void> {
    const { log, clock } = this;
    const onBroken = (error: unknown) => {
      throw error;
    };
    this.space = await Space.open({ log, clock, report: silent, onBroken });
    this.#jobs = startJobs({ space: this.space, blobs: this.#store(), clock, log: silent });
    await this.settle();
  }

  /** Ends without a word, as kill -9 does: what is not durable is lost. */
  kill(): void {
    this.#jobs?.stop();
    this.clock = new ManualClock(this.clock.now());
  }

  /** Lets all that is due happen, and `ms` pass. */
  async settle(ms = 0): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await this.clock.advance(0);
    if (ms > 0) await this.clock.advance(ms);
  }

  async submit(request: JobRequestInput): Promise<string> {
    const id = `j${++this.#made}`;
    const asked = { request: jobRequest.parse(request), project: "p", submittedBy: "me", id };
    this.space.commit((tx) => submitJob(tx, { ...asked, now: this.clock.now() }));
    await this.settle();
    return id;
  }

  machine(name: string, cpus: number): void {
    const capacity = { milliCpus: cpus * 1000, memoryBytes: cpus * 2 ** 30 };
    const about = { hostname: name, os: "linux", arch: "x64", version: "0", drivers: ["process"] };
    this.space.commit((tx) =>
      tx.put({
        kind: "machine",
        project: "",
        name,
        spec: { keyDigest: "", joinedAt: 0, site: "local", labels: {}, cordoned: false },
        status: { ...about, capacity, rates: ratesOf(capacity) },
      }),
    );
  }

  put(content: string | Uint8Array): string {
    const bytes = Buffer.from(content);
    const key = createHash("sha256").update(bytes).digest("hex");
    this.blobs.set(key, bytes);
    return key;
  }

  async job(name: string): Promise<JobRecord> {
    return (await this.space.find("job", [name]))[0]!;
  }

  async step(name: string): Promise<StepRecord> {
    return (await this.space.find("step", [name]))[0]!;
  }

  /** Phases of a job's steps, by the names that the job gives them. */
  phases(job: string): Record<string, string> {
    return Object.fromEntries(
      [...this.space.list("step", job)].map(({ spec, status }) => [spec.name, status.phase]),
    );
  }

  /** Tasks that a scheduler would hand out now. */
  ready(job: string): TaskRecord[] {
    return [...this.space.list("step", job)].flatMap((step) =>
      step.status.phase === "running" ? [...this.space.list("task", step.name)] : [],
    );
  }

  /** Ends tasks as the scheduler does: task and count in one change. */
  finish(tasks: readonly TaskRecord[], fails: (task: TaskRecord) => boolean = () => false): void {
    this.space.commit((tx) => {
      for (const task of tasks) {
        const step = tx.get("step", parentOf(task.name))!;
        const { status } = step;
        if (fails(task)) {
          const error = { reason: "exited" as const, message: "exited with code 3", exitCode: 3 };
          const attempts = [{ machine: "m1", at: 0, error }];
          tx.archive({ ...task, status: { phase: "failed", fence: 1, attempts } });
          tx.put({ ...step, status: { ...status, failed: status.failed + 1 } });
        } else {
          tx.archive({ ...task, status: { phase: "succeeded", result: task.spec.input } });
          tx.put({ ...step, status: { ...status, succeeded: status.succeeded + 1 } });
        }
      }
    });
  }

  /** Runs a job until nothing of it is ready; gives the tasks in the order they were run. */
  async run(
    job: string,
    fails?: (task: TaskRecord) => boolean,
    batch = 1000,
  ): Promise<TaskRecord[]> {
    const ran: TaskRecord[] = [];
    for (let tasks = this.ready(job); tasks.length > 0; tasks = this.ready(job)) {
      const some = tasks.slice(0, batch);
      this.finish(some, fails);
      ran.push(...some);
      await this.settle();
    }
    return ran;
  }

  #store(): Pick<Blobs, "get" | "put" | "stat"> {
    const { blobs } = this;
    return {
      async get(_project, key, range) {
        const bytes = blobs.get(key);
        if (!bytes) return undefined;
        const { offset = 0, length = bytes.length } = range ?? {};
        async function* content() {
          yield bytes!.subarray(offset, offset + length);
        }
        return { sizeBytes: bytes.length, content: content() };
      },
      put: async (_project, source) => {
        const key = this.put(source as Uint8Array);
        return { key, sizeBytes: (source as Uint8Array).length };
      },
      async stat(_project, key) {
        const bytes = blobs.get(key);
        return bytes && { key, sizeBytes: bytes.length };
      },
    };
  }
}

/** A step that runs a program; `more` changes the rest. */
export function processStep(name: string, more: Partial<StepRequestInput> = {}): StepRequestInput {
  return { name, run: { driver: "process", command: ["true"] }, ...more };
}

/** A step that runs a function. */
export function functionStep(
  name: string,
  role: "task" | "job" | "map" | "reduce",
  more: Partial<StepRequestInput> = {},
): StepRequestInput {
  return { name, run: { driver: "runner", module: "0".repeat(64), function: name, role }, ...more };
}
