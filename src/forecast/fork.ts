import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import { Chance } from "#/base/chance.ts";
import { CanopyError } from "#/base/errors.ts";
import { silent } from "#/base/log.ts";
import { SimulatedClock } from "#/base/simulated-clock.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { hasJobEnded, type JobHold, type JobPhase, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { hasStepEnded, newStepStatus, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { attemptOf, jobOf, readyStatus, stepOfTask, taskName } from "#/model/task.ts";
import { addUsage, noUsage, type Usage } from "#/model/usage.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import { Space } from "#/space/space.ts";
import { ForkFleet } from "./fleet.ts";
import { ForkLog } from "./fork-log.ts";
import { meterOf, zonesOf } from "./meter.ts";
import { bootMsOf, machineOfOffer } from "./offered.ts";
import { tasksUpTo } from "./simplified.ts";
import { SimulatedMachine, type Attempt, type Course } from "./machine.ts";
import type { Held, Moment } from "./moment.ts";

/** What a fork cannot know, and has to be told. */
export interface Fates {
  /** How long an attempt of a step takes in all, in milliseconds, given that it takes more than it has run. */
  runMs(step: StepRecord, attempt: Attempt): number;
  /** Whether it fails in the end. */
  fails(step: StepRecord, attempt: Attempt): boolean;
}

/** What became of a job. Times are wall clock. */
export interface JobOutcome {
  /** When the first of its tasks that had not begun did; undefined when none had to. */
  beganAt: number | undefined;
  endedAt: number;
  phase: JobPhase;
  /** In all, with what it had used before. */
  usage: Usage;
}

/**
 * A cloud that goes on from a moment in simulated time, far from the one that it was taken from: the
 * same records in a space of its own, and over them the scheduler and the jobs room as they are, with
 * machines that let time pass where tasks would run. What the scheduler knows beyond the records (who
 * is next among equals) begins anew, as after a restart.
 */
export class Fork {
  readonly clock: SimulatedClock;
  readonly space: Space;
  readonly scheduler: Scheduler;
  readonly outcomes = new Map<string, JobOutcome>();
  /** Machines that projects' jobs share; undefined where no project has any. */
  fleet: ForkFleet | undefined;
  #machines = new Map<string, SimulatedMachine>();
  /** Jobs of the moment that have not ended. */
  unended = 0;
  #first = new Set<string>();
  /** Those of them of which something has yet to begin. */
  #unbegun = new Set<string>();
  /** Attempts under way, by job. */
  #underWay = new Map<string, number>();
  #fates: Fates;
  #began = new Map<string, number>();
  /** Tasks that wait until all other steps of their job have ended. */
  #waiters = new Map<string, () => void>();

  private constructor(clock: SimulatedClock, space: Space, fates: Fates, moment: Moment) {
    this.clock = clock;
    this.space = space;
    this.#fates = fates;
    const { placement } = moment;
    const parts = { space, clock, log: silent, meter: meterOf(moment) };
    this.scheduler = new Scheduler({ ...parts, isSimulated: true, placement });
  }

  /** By `chance` machines that are bought boot, and are taken away. */
  static async open(moment: Moment, fates: Fates, chance = new Chance(1)): Promise<Fork> {
    const clock = new SimulatedClock(moment.now);
    const onBroken = (thrown: unknown) => {
      throw thrown;
    };
    const records = recordsOf(moment);
    const serial = records.length;
    const log = new ForkLog({ sequence: 0, serial, epoch: moment.epoch + 1, records });
    const space = await Space.open({ log, clock, report: silent, onBroken });
    const fork = new Fork(clock, space, fates, moment);
    for (const { name } of moment.jobs) {
      fork.#first.add(name);
      fork.#unbegun.add(name);
    }
    fork.unended = moment.jobs.length;
    space.onApplied((changes) => fork.#see(changes));
    startJobs({ space, objects: noObjects, clock, log: silent });
    fork.scheduler.start();
    for (const job of moment.jobs) if (job.status.held) fork.#letGo(job.name, job.status.held);
    const had = Map.groupBy(moment.held, ({ machine }) => machine);
    for (const machine of moment.machines) fork.#connect(machine, had.get(machine.name) ?? []);
    const fleet = fork.#startFleet(moment, chance);
    for (const { machine, at, order } of moment.coming) {
      const isOfFleet = order !== undefined && fleet?.has(order);
      const arrive = () => (isOfFleet ? fleet!.joined(order!) : fork.addMachine(machine));
      clock.after(at - moment.now, arrive);
    }
    await fleet?.start();
    return fork;
  }

  #startFleet(moment: Moment, chance: Chance): ForkFleet | undefined {
    const { fleet, runTimes } = moment;
    if (!fleet) return undefined;
    const { space, clock, scheduler } = this;
    const addMachine = (machine: MachineRecord) => this.addMachine(machine);
    const seed = Math.floor(chance.fraction() * 2 ** 31);
    const random = chance;
    this.fleet = new ForkFleet(fleet, {
      space,
      clock,
      scheduler,
      random,
      seed,
      runTimes,
      zones: zonesOf(moment),
      addMachine,
    });
    return this.fleet;
  }

  /** A job like one that was submitted before. */
  submit({ project, spec, steps }: Arrival, id: string): void {
    const nameOf = (name: string) => `${id}${name.slice(name.indexOf("/"))}`;
    this.space.commit((tx) => {
      for (const { name, spec: of, tasks } of steps) {
        const source = tasks > 0 ? tasksUpTo(tasks) : of.source;
        tx.put<"step">({
          kind: "step",
          project,
          name: nameOf(name),
          spec: { ...of, after: of.after.map(nameOf), source },
          status: { ...newStepStatus, closed: tasks === 0, total: tasks },
        });
      }
      const { mainStep: _mainStep, ...known } = spec;
      tx.put<"job">({
        kind: "job",
        project,
        name: id,
        spec: { ...known, submittedAt: this.clock.now() },
        status: { phase: "running", open: false, steps: steps.length },
      });
    });
  }

  /** What waits for cleaner power goes on when that is expected now, with the machines that are bought for it then. */
  #letGo(name: string, { until, buys = [] }: JobHold): void {
    const inMs = Math.max(0, until - this.clock.now());
    this.clock.after(inMs, () => {
      this.space.commit((tx) => {
        const job = tx.get("job", name);
        if (!job?.status.held) return;
        const { held: _held, ...status } = job.status;
        tx.put<"job">({ ...job, status });
      });
    });
    for (const [at, { offer, count }] of buys.entries())
      for (let number = 0; number < count; number++) {
        const machine = machineOfOffer(`${name}-${at}-${number}`, offer);
        const reserved = { ...machine, spec: { ...machine.spec, reservedFor: name } };
        this.clock.after(inMs + bootMsOf(offer), () => this.addMachine(reserved));
      }
  }

  /** A machine joins, and takes tasks from now on. */
  addMachine(record: MachineRecord): void {
    this.space.commit((tx) => tx.put(record));
    this.#connect(record, []);
  }

  /** Some job of the moment has a task that is not under way. When there is none, those to come change nothing for them. */
  get hasUnbegun(): boolean {
    for (const job of this.#unbegun) {
      if (this.#hasTasksToBegin(job)) return true;
      this.#unbegun.delete(job);
    }
    return false;
  }

  #hasTasksToBegin(job: string): boolean {
    if (this.outcomes.has(job)) return false;
    let unfinished = 0;
    for (const step of this.space.list("step", job)) {
      if (hasStepEnded(step)) continue;
      if (step.status.phase === "blocked" || !step.status.closed) return true;
      unfinished += unfinishedTasks(step);
    }
    return unfinished > (this.#underWay.get(job) ?? 0);
  }

  /** Goes on until `isOver`, or until nothing can happen any more. */
  run(isOver: () => boolean): Promise<void> {
    return this.clock.run(isOver);
  }

  #connect(record: MachineRecord, held: readonly Held[]): void {
    const machine = new SimulatedMachine(record, {
      clock: this.clock,
      begin: (attempt) => this.#begin(attempt),
    });
    const had = held.flatMap(({ task, fence, ranMs }) => {
      const spec = this.space.get("step", stepOfTask(task))?.spec;
      const status = this.space.get("task", task)?.status;
      if (!spec || !status) return [];
      const number = attemptOf(status);
      return [{ task, fence, number, spec, ranMs }];
    });
    this.#machines.set(record.name, machine);
    machine.connect(this.scheduler, had);
  }

  #begin(attempt: Attempt): Course {
    const step = this.space.get("step", stepOfTask(attempt.task))!;
    const job = jobOf(step.name);
    const beganAt = this.clock.now();
    if (!this.#began.has(job) && attempt.ranMs === undefined) this.#began.set(job, beganAt);
    const { ranMs = 0 } = attempt;
    this.#underWay.set(job, (this.#underWay.get(job) ?? 0) + 1);
    const isWaiter = this.#isWaiter(step);
    const { timeoutMs = Infinity } = step.spec.template;
    const runMs = isWaiter ? 0 : this.#fates.runMs(step, attempt);
    const leftMs = Math.max(0, Math.min(runMs, timeoutMs) - ranMs);
    return {
      leftMs: isWaiter ? undefined : leftMs,
      wait: (ended) => void this.#waiters.set(job, ended),
      report: () => {
        this.#underWay.set(job, this.#underWay.get(job)! - 1);
        const fails = runMs > timeoutMs || this.#fates.fails(step, attempt);
        const wallMs = ranMs + this.clock.now() - beganAt;
        return {
          usage: usageOf(step, wallMs, beganAt - ranMs),
          ...(fails && { error: { reason: "exited" as const, message: "failed as others had" } }),
        };
      },
    };
  }

  /** Code of a job ends when what it waits for has; how long it would run on by itself is not known. */
  #isWaiter({ name, spec }: StepRecord): boolean {
    const { run } = spec.template;
    return run.driver === "runner" && run.role === "job" && this.#hasOthers(jobOf(name), name);
  }

  #hasOthers(job: string, than: string): boolean {
    for (const step of this.space.list("step", job))
      if (step.name !== than && !hasStepEnded(step)) return true;
    return false;
  }

  #see(changes: readonly Change[]): void {
    for (const { record, op } of changes) {
      if (op === "delete" && record.kind === "machine") this.#machineGone(record.name);
      if (op === "archive" || op === "delete") continue;
      if (record.kind === "job" && hasJobEnded(record)) this.#jobEnded(record);
      else if (record.kind === "step" && hasStepEnded(record)) this.#stepEnded(record);
    }
  }

  #machineGone(name: string): void {
    this.#machines.get(name)?.end();
    this.#machines.delete(name);
  }

  #stepEnded({ name }: StepRecord): void {
    const job = jobOf(name);
    const ended = this.#waiters.get(job);
    const main = this.space.get("job", job)?.spec.mainStep ?? "";
    if (!ended || this.#hasOthers(job, main)) return;
    this.#waiters.delete(job);
    this.clock.soon(ended);
  }

  #jobEnded({ name, status }: JobRecord): void {
    if (this.outcomes.has(name)) return;
    if (this.#first.has(name)) this.unended--;
    let usage = noUsage;
    for (const step of this.space.list("step", name)) usage = addUsage(usage, step.status.usage);
    const beganAt = this.#began.get(name);
    this.outcomes.set(name, { beganAt, endedAt: this.clock.now(), phase: status.phase, usage });
  }
}

/** What an attempt of a step uses of its machine: as those before, or all that it asked for. */
function usageOf({ status, spec }: StepRecord, wallMs: number, startedAt: number) {
  const { usage } = status;
  const isKnown = usage.attempts > 0 && usage.wallMs > 0;
  const cpus = isKnown ? usage.cpuMs / usage.wallMs : spec.template.needs.milliCpus / 1000;
  const memoryBytes = isKnown ? (usage.memoryByteSeconds * 1000) / usage.wallMs : 0;
  return { startedAt, wallMs, cpuMs: wallMs * cpus, memoryBytes, readBytes: 0, writtenBytes: 0 };
}

function recordsOf(moment: Moment): AnyRecord[] {
  const { projects, machines, jobs, steps, fresh, tried, fleet } = moment;
  const records: AnyRecord[] = [...projects, ...machines];
  if (fleet) records.push(...ForkFleet.recordsOf(fleet));
  // what nobody in the fork could add is complete as it is
  for (const job of jobs)
    records.push(
      job.status.open && job.spec.mainStep === undefined
        ? { ...job, status: { ...job.status, open: false } }
        : job,
    );
  records.push(...steps, ...tried);
  const projectOf = new Map(steps.map(({ name, project }) => [name, project]));
  for (const [step, indexes] of fresh) {
    const project = projectOf.get(step)!;
    for (const index of indexes) {
      const name = taskName(step, index);
      const serial = records.length;
      records.push({
        kind: "task",
        project,
        serial,
        name,
        revision: 1,
        spec: anyInput,
        status: readyStatus,
      });
    }
  }
  return records;
}

const anyInput = Object.freeze({ input: "null" });

const noObjects: Parameters<typeof startJobs>[0]["objects"] = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.reject(new CanopyError("unavailable", "Cannot keep objects in a fork")),
  stat: () => Promise.resolve(undefined),
};
