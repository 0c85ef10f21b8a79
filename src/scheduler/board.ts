import type { Clock } from "#/base/clock.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { StepRecord } from "#/model/step.ts";
import { indexOfTask, jobOf, type TaskRecord } from "#/model/task.ts";
import type { Committed, Space, Transaction } from "#/space/space.ts";
import { Fairness, type Share } from "./fairness.ts";
import { gather, leaveAll, ungather } from "./gang.ts";
import { Queue } from "./queue.ts";
import { Quotas } from "./quota.ts";
import { Ranks, type ExpectedMs } from "./ranks.ts";
import { RunTimes } from "./run-times.ts";
import { occupy, vacate, wasServed } from "./room.ts";
import type { Happenings } from "./session.ts";
import { Shared } from "./shared.ts";
import { isResting, rest, setPace } from "./slowed.ts";
import {
  claimOf,
  leasesOfStep,
  MachineState,
  newLease,
  StepState,
  type Granted,
  type Lease,
} from "./state.ts";
import { classOfStep, type TaskClass } from "./task-class.ts";

/** Fencing numbers begin with the epoch of the log, so that they grow across starts too. */
const fencesInEpoch = 2 ** 32;

/**
 * All that the scheduler knows beyond the records: steps with their waiting tasks, machines with
 * what they run, who is next. Made again from the space at each start; none of it is written down.
 */
export class Board {
  readonly space: Space;
  readonly clock: Clock;
  readonly steps = new Map<string, StepState>();
  readonly machines = new Map<string, MachineState>();
  readonly fairness = new Fairness();
  readonly queue = new Queue(this.fairness);
  readonly quotas = new Quotas();
  /** Policies that have the objective carbon. */
  readonly carbonPolicies = new Set<string>();
  readonly ranks: Ranks;
  /** Fences up to this one were given under an earlier start. */
  epochFence = 0;
  /** The newest fence there is. */
  fence = 0;
  /** Called when a machine may take more, or has to be told something; all of them when undefined. */
  onDue: (machine: MachineState | undefined) => void = () => {};
  /** Called when tasks of a step wait that have to be looked up before they are handed out. */
  onPrepare: (step: StepState) => void = () => {};
  /** Called when nothing of a step is to stay. */
  onDropped: (step: StepState) => void = () => {};
  /** Whether nobody else hands out tasks at this moment. */
  isSure: () => boolean = () => true;
  /** Machines are never silent. */
  isSimulated = false;
  happenings: Happenings | undefined;
  /** So often a machine, or a step's class, became another one, so that what it is open to may have changed. */
  openings = 0;
  /** Steps in line whose tasks begin at once. */
  gangsInLine = 0;
  /** A commit of the scheduler's own is being applied. */
  isCommitting = false;
  #kinds = new Shared<RunTimes>();
  #classes = new Shared<TaskClass>();
  #lastStep: StepState | undefined;
  /** Jobs of which nothing is handed out for now. */
  #heldJobs = new Set<string>();

  constructor(space: Space, clock: Clock, expectedMs: ExpectedMs) {
    this.space = space;
    this.clock = clock;
    this.ranks = new Ranks(space, expectedMs);
  }

  /** Every fence from now on is above those of earlier starts. Called before anything is handed out. */
  begin(): void {
    this.epochFence = this.space.epoch * fencesInEpoch;
    this.fence = this.epochFence;
  }

  addStep(record: StepRecord): StepState {
    const job = jobOf(record.name);
    const runTimes = this.#kinds.enter(`${job} ${record.spec.title}`, () => new RunTimes());
    runTimes.include(record.status.usage);
    const step = new StepState(record, {
      priority: this.space.get("job", job)?.spec.priority ?? 0,
      share: this.shareOf(record.project),
      account: this.quotas.account(record.project),
      taskClass: this.#enterClass(classOfStep(record)),
      runTimes,
    });
    this.steps.set(step.name, step);
    this.slow(step, record.status.slowed?.everyMs);
    return step;
  }

  /** What tasks of a step need has changed. Those under way go on, wherever they are. */
  reclass(step: StepState, record: StepRecord): void {
    step.needs = record.spec.template.needs;
    const next = classOfStep(record);
    if (next.key === step.class.key) return;
    this.#leaveLine(step);
    this.#leaveClass(step.class);
    step.class = this.#enterClass(next);
    this.openings++;
    this.refresh(step);
  }

  /** The step has ended: nothing of it stays. Its leases are over. */
  dropStep(step: StepState): void {
    step.isOpen = false;
    this.#leaveLine(step);
    for (const lease of leasesOfStep(step)) this.revoke(lease);
    this.steps.delete(step.name);
    if (this.#lastStep === step) this.#lastStep = undefined;
    this.#leaveClass(step.class);
    this.#kinds.leave(step.kind);
    this.onDropped(step);
  }

  shareOf(project: string): Share {
    return this.fairness.share(project, this.space.get("project", project)?.spec.weight ?? 1);
  }

  addMachine(record: MachineRecord): MachineState {
    const machine = new MachineState(record);
    this.machines.set(machine.name, machine);
    this.openings++;
    return machine;
  }

  /** It will not come back under this name with anything of its past. */
  removeMachine(machine: MachineState): void {
    this.machines.delete(machine.name);
    this.openings++;
    for (const [step, kept] of machine.keptForGangs) {
      kept.machines.delete(machine);
      if (kept.machines.size === 0) leaveAll(step);
      this.onDue(undefined);
    }
  }

  /** Puts the step in line, or takes it out, as it has tasks to hand out and may, or not. */
  refresh(step: StepState): void {
    if (step.prepared && step.isOpen && step.waiting > 0) this.onPrepare(step);
    const isHeld = this.#heldJobs.has(step.job) || isResting(step, this.clock.monotonicMs());
    const mayBegin = step.segments?.isComplete !== false && !isHeld;
    const isReady =
      step.isOpen && step.available > 0 && mayBegin && (!step.gang || gather(this.space, step));
    if (isReady === step.isInLine) return;
    if (!isReady) return this.#leaveLine(step);
    this.queue.enter(step, this.clock.monotonicMs(), this.ranks.of(step.job, step.name));
    if (step.gang) this.gangsInLine++;
    this.onDue(undefined);
  }

  /** Its tasks are handed out one by one from now on, with so much time between; as all others when undefined. */
  slow(step: StepState, everyMs: number | undefined): void {
    if (setPace(step, everyMs)) this.refresh(step);
  }

  #leaveLine(step: StepState): void {
    const { account } = step;
    if (step.gang) this.#leaveGangs(step);
    this.queue.leave(step);
    if (account.kept !== step) return;
    account.kept = undefined;
    this.onDue(undefined); // what was kept for it is for all again
  }

  #leaveGangs(step: StepState): void {
    if (step.isInLine) this.gangsInLine--;
    if (step.gang!.kept) this.onDue(undefined);
    leaveAll(step);
  }

  /** The task waits once more, before those that were never handed out. */
  putBack(step: StepState, index: number): void {
    step.again.push(index);
    this.refresh(step);
  }

  /** Nothing of a held job is handed out. */
  hold(job: string, isHeld: boolean): void {
    if (isHeld === this.#heldJobs.has(job)) return;
    if (isHeld) this.#heldJobs.add(job);
    else this.#heldJobs.delete(job);
    for (const { name } of this.space.list("step", job)) {
      const step = this.steps.get(name);
      if (step) this.refresh(step);
    }
  }

  /** A lease has ended with nothing done: its task waits once more. */
  giveBack({ step, index, fence }: Lease): void {
    if (step.leases.has(index)) return; // its other attempt goes on
    step.givenBack.set(index, fence);
    this.putBack(step, index);
  }

  /** Commits a change of the scheduler's own: what it does to leases is up to the caller. */
  commit<T>(action: (tx: Transaction) => T): Committed<T> {
    this.isCommitting = true;
    try {
      return this.space.commit(action);
    } finally {
      this.isCommitting = false;
    }
  }

  /** The step of a task, by the task's name. The next one that is asked for is mostly of the same step. */
  stepOf(task: string): StepState | undefined {
    const slash = task.lastIndexOf("/");
    const last = this.#lastStep;
    if (last && last.name.length === slash && task.startsWith(last.name)) return last;
    const step = this.steps.get(task.slice(0, slash));
    if (step) this.#lastStep = step;
    return step;
  }

  /** The lease of a task, by the task's name: of two, the first. */
  leaseOf(task: string): Lease | undefined {
    return this.stepOf(task)?.leases.get(indexOfTask(task));
  }

  /** The lease of a task that has this fence and is this machine's. */
  heldBy(machine: MachineState, task: string, fence: number): Lease | undefined {
    const first = this.leaseOf(task);
    const lease = first?.fence === fence ? first : first?.twin;
    return lease?.fence === fence && lease.machine === machine ? lease : undefined;
  }

  /** Whether it is not over. */
  isCurrent(lease: Lease): boolean {
    const first = lease.step.leases.get(lease.index);
    return first === lease || (first !== undefined && first.twin === lease);
  }

  grant(
    step: StepState,
    index: number,
    task: TaskRecord,
    machine: MachineState,
    more: Granted,
  ): Lease {
    const fence = more.fence ?? ++this.fence;
    const lease = newLease(step, index, task, machine, fence, more);
    const { twin } = lease;
    if (twin) twin.twin = lease;
    if (!twin || fence < twin.fence) step.leases.set(index, lease); // after a failover the second may be heard of first
    step.attempts++;
    step.runTimes.underWay++;
    machine.leases.push(lease);
    occupy(machine, lease);
    const { share, account } = step;
    if (lease.isPaidFor) step.paidFor++;
    else account.enter(step);
    if (step.leases.size === 1) account.busy.add(step);
    this.fairness.enter(share, lease.sinceMs);
    if (lease.isShort) this.fairness.charge(share, lease.meanMs * lease.cpus);
    else this.fairness.hold(share, lease.cpus, lease.sinceMs);
    return lease;
  }

  /** The lease is over. `wallMs` is what the attempt really took; 0 when it had not begun. */
  end(lease: Lease, wallMs: number): void {
    const { step, machine } = lease;
    const { share, account } = step;
    this.#leaveTask(lease);
    if (step.gang) ungather(lease);
    if (lease.isPaidFor) step.paidFor--;
    else account.leave(step);
    if (step.leases.size === 0) account.busy.delete(step);
    step.attempts--;
    step.runTimes.underWay--;
    machine.leases.drop(lease);
    vacate(machine, lease);
    if (lease.isShort) this.fairness.charge(share, (wallMs - lease.meanMs) * lease.cpus);
    else this.fairness.hold(share, -lease.cpus, this.clock.monotonicMs());
    this.fairness.leave(share);
    if (machine.session) this.onDue(machine);
    if (account.isLimited && account.freed()) this.onDue(undefined);
  }

  /** Of two attempts the other one goes on, with the task's record as it is now. */
  #leaveTask({ step, index, task, twin }: Lease): void {
    if (!twin) return void step.leases.delete(index);
    step.leases.set(index, twin);
    twin.twin = undefined;
    twin.task = this.space.get("task", task.name) ?? twin.task;
  }

  /** Ends a lease that its machine does not know to be over, and tells it. */
  revoke(lease: Lease): void {
    this.end(lease, 0);
    this.tellCancel(lease.machine, claimOf(lease));
  }

  tellCancel(machine: MachineState, claim: [task: string, fence: number]): void {
    if (!machine.session) return; // when it connects again, what it holds is compared
    machine.cancels.push(claim);
    this.onDue(machine);
  }

  /** Takes longer than its kind: it holds its needs from now on. */
  lasts(lease: Lease): void {
    const { machine, step } = lease;
    vacate(machine, lease);
    this.fairness.charge(step.share, -lease.meanMs * lease.cpus);
    lease.isShort = false;
    occupy(machine, lease);
    this.fairness.hold(step.share, lease.cpus, this.clock.monotonicMs());
  }

  served(step: StepState, machine: MachineState): void {
    wasServed(machine, step, this.clock.monotonicMs());
    this.fairness.serve(step.share);
    if (!step.slowed) return;
    rest(step, this.clock, !this.isSimulated, () => {
      if (this.steps.get(step.name) === step) this.refresh(step);
    });
    this.refresh(step);
  }

  #enterClass(taskClass: TaskClass): TaskClass {
    return this.#classes.enter(taskClass.key, () => taskClass);
  }

  #leaveClass(taskClass: TaskClass): void {
    if (!this.#classes.leave(taskClass.key)) return;
    for (const machine of this.machines.values()) machine.fits.delete(taskClass);
  }
}
