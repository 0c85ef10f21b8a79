import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import { boughtBy, cutOf } from "#/autonomic/spending.ts";
import { Chance } from "#/base/chance.ts";
import { CanopyError } from "#/base/errors.ts";
import { silent } from "#/base/log.ts";
import { SimulatedClock } from "#/base/simulated-clock.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { hasJobEnded, type JobPhase, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Change } from "#/model/record.ts";
import { hasStepEnded, newStepStatus, unfinishedTasks } from "#/model/step.ts";
import { attemptOf, stepOfTask } from "#/model/task.ts";
import { addUsage, noUsage, type Usage } from "#/model/usage.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import { Space } from "#/space/space.ts";
import { Attempts, type Fates } from "./attempts.ts";
import { ForkKnowledge } from "./fork-knowledge.ts";
import { ForkLog } from "./fork-log.ts";
import { ForkLoops } from "./fork-loops.ts";
import { recordsOf } from "./fork-records.ts";
import { ForkSites } from "./fork-sites.ts";
import { SimulatedMachine } from "./machine.ts";
import { meterOf, zonesOf } from "./meter.ts";
import type { Held, Moment } from "./moment.ts";
import { tasksUpTo } from "./simplified.ts";

/** What became of a job. Times are wall clock. */
export interface JobOutcome {
  /** When the first of its tasks that had not begun did; undefined when none had to. */
  beganAt: number | undefined;
  endedAt: number;
  phase: JobPhase;
  /** In all, with what it had used before, and what was bought for it. */
  usage: Usage;
}

/**
 * A cloud that goes on from a moment in simulated time, far from the one that it was taken from: the
 * same records in a space of its own, and over them the scheduler, the jobs room and the loops that buy and give
 * back as they are, with machines that let time pass where tasks would run. What the scheduler knows beyond the records (who
 * is next among equals) begins anew, as after a restart.
 */
export class Fork {
  readonly clock: SimulatedClock;
  readonly space: Space;
  readonly scheduler: Scheduler;
  readonly outcomes = new Map<string, JobOutcome>();
  /** Undefined where nothing is bought: no job has a goal, and no project a fleet. */
  sites: ForkSites | undefined;
  #machines = new Map<string, SimulatedMachine>();
  /** Jobs of the moment that have not ended. */
  unended = 0;
  #first = new Set<string>();
  /** Those of them of which something has yet to begin. */
  #unbegun = new Set<string>();
  #attempts: Attempts;
  /** Nobody asks what is known where nothing is bought. */
  #knowledge: ForkKnowledge | undefined;

  private constructor(clock: SimulatedClock, space: Space, fates: Fates, moment: Moment) {
    this.clock = clock;
    this.space = space;
    this.#attempts = new Attempts({
      space,
      clock,
      fates,
      ended: (step, { machine }, wallMs) => this.#knowledge?.ended(step, machine, wallMs),
    });
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
    startJobs({ space, blobs: noBlobs, clock, log: silent });
    fork.scheduler.start();
    const had = Map.groupBy(moment.held, ({ machine }) => machine);
    for (const machine of moment.machines) fork.#connect(machine, had.get(machine.name) ?? []);
    const begin = fork.#openSites(moment, chance);
    for (const { machine, at, order } of moment.coming) {
      const { sites } = fork;
      const arrive = () => (sites?.has(order) ? sites.joined(order!) : fork.addMachine(machine));
      clock.after(at - moment.now, arrive);
    }
    await begin();
    return fork;
  }

  /** Gives what starts the loops over them. */
  #openSites(moment: Moment, chance: Chance): () => Promise<void> {
    const { autonomy } = moment;
    if (!autonomy) return () => Promise.resolve();
    const { space, clock, scheduler } = this;
    const seed = Math.floor(chance.fraction() * 2 ** 31);
    const addMachine = (machine: MachineRecord) => this.addMachine(machine);
    const sites = new ForkSites(autonomy, { space, clock, seed, addMachine });
    const knowledge = new ForkKnowledge(moment.runTimes);
    this.sites = sites;
    this.#knowledge = knowledge;
    const parts = { space, clock, scheduler, random: chance, sites, knowledge };
    const loops = new ForkLoops(autonomy, { ...parts, zones: zonesOf(moment) });
    return () => loops.start(autonomy);
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
      const { mainStep: _mainStep, goal, ...known } = spec;
      tx.put<"job">({
        kind: "job",
        project,
        name: id,
        spec: {
          ...known,
          submittedAt: this.clock.now(),
          ...(goal && this.sites && { goal }),
        },
        status: { phase: "running", open: false, steps: steps.length },
      });
    });
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
    return unfinished > (this.#attempts.underWay.get(job) ?? 0);
  }

  /** Goes on until `isOver`, or until nothing can happen any more. */
  run(isOver: () => boolean): Promise<void> {
    return this.clock.run(isOver);
  }

  #connect(record: MachineRecord, held: readonly Held[]): void {
    const machine = new SimulatedMachine(record, {
      clock: this.clock,
      begin: (attempt) => this.#attempts.begin(attempt),
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

  #see(changes: readonly Change[]): void {
    for (const { record, op } of changes) {
      if (op === "delete" && record.kind === "machine") this.#machineGone(record.name);
      if (op === "archive" || op === "delete") continue;
      if (record.kind === "job" && hasJobEnded(record)) this.#jobEnded(record);
      else if (record.kind === "step" && hasStepEnded(record)) this.#attempts.stepEnded(record);
    }
  }

  #machineGone(name: string): void {
    this.#machines.get(name)?.end();
    this.#machines.delete(name);
  }

  #jobEnded(job: JobRecord): void {
    const { name, status } = job;
    if (this.outcomes.has(name)) return;
    if (this.#first.has(name)) this.unended--;
    let usage = noUsage;
    for (const step of this.space.list("step", name)) usage = addUsage(usage, step.status.usage);
    const endedAt = this.clock.now();
    const cut = cutOf(job);
    const bought = boughtBy(endedAt, job, this.sites?.openOrders(name) ?? []);
    const costMicros =
      usage.costMicros === undefined || bought === undefined || cut === undefined
        ? undefined
        : usage.costMicros + bought + cut;
    const beganAt = this.#attempts.began.get(name);
    const all = { ...usage, costMicros };
    this.outcomes.set(name, { beganAt, endedAt, phase: status.phase, usage: all });
  }
}

const noBlobs: Parameters<typeof startJobs>[0]["blobs"] = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.reject(new CanopyError("unavailable", "Cannot keep blobs in a fork")),
  stat: () => Promise.resolve(undefined),
};
