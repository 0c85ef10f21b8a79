import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { plainMeter } from "#/meter/meter.ts";
import { ratesOf } from "#/meter/prices.ts";
import type { Fault } from "#/model/game-day.ts";
import type { Placement } from "#/model/placement.ts";
import type { QuotaSpec } from "#/model/quota.ts";
import type { MachineRecord } from "#/model/machine.ts";
import {
  hasStepEnded,
  newStepStatus,
  type StepRecord,
  type StepSpec,
  type StepStatus,
} from "#/model/step.ts";
import { readyStatus, taskName, type TaskRecord, type TaskTemplate } from "#/model/task.ts";
import type { StepBrief, TaskClaim, TaskOffer, TaskReport } from "#/model/wire.ts";
import type { SpaceLog } from "#/space/log.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space, type Transaction } from "#/space/space.ts";
import { Scheduler } from "../scheduler.ts";
import type { Session } from "../session.ts";

const GiB = 2 ** 30;

/** A scheduler over a real space in memory, with time that is told to pass. */
export class Rig {
  readonly clock: ManualClock;
  readonly log: SpaceLog;
  readonly space: Space;
  readonly scheduler: Scheduler;

  private constructor(clock: ManualClock, log: SpaceLog, space: Space, placement?: Placement) {
    this.clock = clock;
    this.log = log;
    this.space = space;
    this.scheduler = new Scheduler({ space, clock, log: silent, meter: plainMeter, placement });
  }

  static async open(
    prepare: (rig: Rig) => void = () => {},
    {
      log = new MemoryLog(),
      clock = new ManualClock(),
      placement,
    }: { log?: SpaceLog; clock?: ManualClock; placement?: Placement } = {},
  ): Promise<Rig> {
    const onBroken = (error: unknown) => {
      throw error;
    };
    const space = await Space.open({ log, clock, report: silent, onBroken });
    const rig = new Rig(clock, log, space, placement);
    prepare(rig);
    await clock.advance(0);
    rig.scheduler.start();
    await clock.advance(0);
    return rig;
  }

  /** The process dies and starts again on the same log. */
  async restart(): Promise<Rig> {
    this.scheduler.stop();
    await this.clock.advance(0);
    await this.space.close();
    return Rig.open(() => {}, { log: this.log, clock: this.clock });
  }

  commit<T>(action: (tx: Transaction) => T): T {
    return this.space.commit(action).value;
  }

  machine(
    name: string,
    more: {
      cpus?: number;
      memoryBytes?: number;
      drivers?: string[];
      labels?: Record<string, string>;
      peerUrl?: string;
    } = {},
  ): MachineRecord {
    const { cpus = 2, memoryBytes = 4 * GiB, drivers = ["runner", "process"], labels = {} } = more;
    const capacity = { milliCpus: cpus * 1000, memoryBytes };
    return this.commit((tx) =>
      tx.put({
        kind: "machine",
        project: "",
        name,
        spec: { keyDigest: "", joinedAt: 0, site: "local", labels, cordoned: false },
        status: {
          hostname: name,
          os: "linux",
          arch: "x64",
          version: "0",
          capacity,
          drivers,
          ...(more.peerUrl !== undefined && { peerUrl: more.peerUrl }),
          rates: ratesOf(capacity),
        },
      }),
    );
  }

  project(name: string, weight: number, quota: QuotaSpec = {}): void {
    this.commit((tx) =>
      tx.put({
        kind: "project",
        project: name,
        name,
        spec: { title: name, createdAt: 0, weight, ...quota },
        status: {},
      }),
    );
  }

  job(name: string, more: { project?: string; priority?: number } = {}): void {
    const { project = "p", priority = 0 } = more;
    this.commit((tx) =>
      tx.put({
        kind: "job",
        project,
        name,
        spec: { title: name, submittedBy: "test", submittedAt: 0, priority, onFailure: "stop" },
        status: { phase: "running", open: false, steps: 1 },
      }),
    );
  }

  /** A running step of a job that is there, or is made now, with so many ready tasks. */
  step(
    name: string,
    tasks: number,
    more: {
      project?: string;
      priority?: number;
      template?: Partial<TaskTemplate>;
      needs?: Partial<TaskTemplate["needs"]>;
      spec?: Partial<StepSpec>;
      status?: Partial<StepStatus>;
      input?: (index: number) => string;
    } = {},
  ): void {
    const job = name.slice(0, name.indexOf("/"));
    if (!this.space.get("job", job)) this.job(job, more);
    const { project } = this.space.get("job", job)!;
    const title = `step${name.slice(job.length + 1)}`;
    const { input = (index) => `[${index}]` } = more;
    this.commit((tx) => {
      tx.put({
        kind: "step",
        project,
        name,
        spec: {
          name: title,
          title,
          after: [],
          template: {
            run: { driver: "runner", module: "m".repeat(64), function: "f", role: "task" },
            needs: { milliCpus: 1000, memoryBytes: 0, labels: {}, ...more.needs },
            retries: 2,
            retryMs: 500,
            inputs: [],
            outputs: [],
            reuse: false,
            ...more.template,
          },
          source: { type: "list" },
          onFailure: "stop",
          ...more.spec,
        },
        status: {
          ...newStepStatus,
          phase: "running",
          offered: tasks,
          closed: true,
          ...more.status,
        },
      });
      for (let index = 0; index < tasks; index++) {
        tx.put({
          kind: "task",
          project,
          name: taskName(name, index),
          spec: { input: input(index) },
          status: readyStatus,
        });
      }
    });
  }

  /** What the jobs room does when a step's last task has ended. */
  setPhase(name: string, phase: StepStatus["phase"]): void {
    this.commit((tx) => {
      const step = tx.get("step", name)!;
      tx.put({ ...step, status: { ...step.status, phase } });
    });
  }

  /** What the jobs room does when a job is cancelled: steps end, and what remains of their tasks. */
  cancel(job: string): void {
    this.commit((tx) => {
      const record = tx.get("job", job)!;
      tx.put({ ...record, status: { ...record.status, phase: "cancelled" } });
      for (const step of this.space.list("step", job)) {
        if (hasStepEnded(step)) continue;
        let cancelled = 0;
        for (const task of this.space.list("task", step.name)) {
          tx.archive({ ...task, status: { ...task.status, phase: "cancelled" } });
          cancelled++;
        }
        tx.put({ ...step, status: { ...step.status, phase: "cancelled", cancelled } });
      }
    });
  }

  status(step: string): StepStatus {
    return this.space.get("step", step)!.status;
  }

  stepRecord(step: string): StepRecord {
    return this.space.get("step", step)!;
  }

  async task(name: string): Promise<TaskRecord | undefined> {
    const find = this.space.find("task", [name]);
    await this.clock.advance(0);
    return (await find)[0];
  }

  /** Connects as a machine that is there, or is made now. */
  agent(name: string, holds: TaskClaim[] = []): FakeAgent {
    if (!this.space.get("machine", name)) this.machine(name);
    return new FakeAgent(this, name, holds);
  }
}

/** An agent that does what it is told, and remembers what it was told. */
export class FakeAgent {
  readonly session: Session;
  readonly name: string;
  /** Offered and not reported. */
  held: TaskOffer[] = [];
  offers: TaskOffer[][] = [];
  steps: Record<string, StepBrief> = {};
  cancels: TaskClaim[] = [];
  forgotten: string[] = [];
  faults: Fault[] = [];
  /** Called when tasks were offered. */
  onOffer: () => void = () => {};
  #rig: Rig;

  constructor(rig: Rig, name: string, holds: TaskClaim[]) {
    this.#rig = rig;
    this.name = name;
    this.session = rig.scheduler.connect(
      name,
      holds,
      {
        offer: (steps, tasks) => {
          Object.assign(this.steps, steps);
          this.offers.push(tasks);
          this.held.push(...tasks);
          this.#rig.clock.soon(() => this.onOffer());
        },
        cancel: (claims) => {
          this.cancels.push(...claims);
          const cancelled = new Set(claims.map(([task, fence]) => `${task} ${fence}`));
          this.held = this.held.filter(({ task, fence }) => !cancelled.has(`${task} ${fence}`));
        },
        forget: (jobs) => void this.forgotten.push(...jobs),
        fault: (fault) => void this.faults.push(fault),
      },
      (job) => `key of ${job}`,
    );
  }

  /** Pulls, and gives what came of it once everything has settled. */
  async pull(max = 1024): Promise<string[]> {
    const before = this.offers.length;
    this.session.pull(max);
    await this.#rig.clock.advance(0);
    return this.offers.slice(before).flatMap((tasks) => tasks.map(({ task }) => task));
  }

  beat(running: TaskOffer[] = []): void {
    const claims = running.map(({ task, fence }) => ({ task, fence, sinceMs: 0 }));
    this.session.beat({ cpuShare: 0, memoryFreeBytes: 0, running: claims });
  }

  /** Reports tasks that it holds, all of them when not said otherwise; resolves when that is acknowledged. */
  async finish(
    tasks: TaskOffer[] = this.held,
    more: Partial<TaskReport> = {},
    wallMs = 1000,
  ): Promise<void> {
    const ended = new Set(tasks);
    this.held = this.held.filter((offer) => !ended.has(offer));
    const acknowledged = this.session.finish(tasks.map((offer) => reportOf(offer, more, wallMs)));
    await this.#rig.clock.advance(0);
    await acknowledged;
  }

  /** Reports one task, without waiting. */
  report(offer: TaskOffer, wallMs: number): Promise<void> {
    this.held = this.held.filter((other) => other !== offer);
    return this.session.finish([reportOf(offer, {}, wallMs)]);
  }

  fail(message = "no", tasks?: TaskOffer[]): Promise<void> {
    return this.finish(tasks, { error: { reason: "threw", message } });
  }

  holds(): TaskClaim[] {
    return this.held.map(({ task, fence }) => [task, fence]);
  }
}

function reportOf(
  { task, fence }: Pick<TaskOffer, "task" | "fence">,
  more: Partial<TaskReport> = {},
  wallMs = 1000,
): TaskReport {
  const usage = {
    startedAt: 0,
    wallMs,
    cpuMs: wallMs,
    memoryBytes: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
  return { task, fence, usage, ...(more.error ? {} : { result: "1" }), ...more };
}
