import type { Change, AnyRecord } from "#/model/record.ts";
import type { ProjectRecord } from "#/model/access.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { PolicyRecord } from "#/model/policy.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import { indexOfTask, readyStatus, type TaskRecord } from "#/model/task.ts";
import type { Batch } from "#/space/log.ts";
import type { Board } from "./board.ts";
import { InstanceHolds } from "./instances.ts";
import type { Preparer } from "./prepare.ts";
import type { RestingTasks } from "./retry.ts";
import { Ring } from "./ring.ts";
import type { Shuffle } from "./shuffle.ts";
import type { StepState } from "./state.ts";

/**
 * How the board follows the space. What allows something (a task is ready, a step has begun) is
 * followed when it is durable, as what is handed out must be on disk; what forbids something (a step
 * was cancelled, a machine removed) at once.
 */
export class Intake {
  #board: Board;
  #resting: RestingTasks;
  #preparer: Preparer;
  #shuffle: Shuffle;
  #onJobEnded: (job: string) => void;
  #onMisplaced: (step: StepState) => void;
  #instances: InstanceHolds;

  constructor(parts: {
    board: Board;
    resting: RestingTasks;
    preparer: Preparer;
    shuffle: Shuffle;
    onJobEnded: (job: string) => void;
    /** Tasks of a step may not be where they are any more. */
    onMisplaced: (step: StepState) => void;
  }) {
    this.#board = parts.board;
    this.#resting = parts.resting;
    this.#preparer = parts.preparer;
    this.#shuffle = parts.shuffle;
    this.#onJobEnded = parts.onJobEnded;
    this.#onMisplaced = parts.onMisplaced;
    this.#instances = new InstanceHolds(parts.board);
  }

  /** Takes in all that the space holds, as it was before this start. */
  rebuild(): void {
    const { space } = this.#board;
    for (const machine of space.all("machine")) this.#board.addMachine(machine);
    for (const instance of space.all("instance")) this.#instances.follow(instance, false);
    for (const { name, spec } of space.all("project")) this.#board.quotas.limit(name, spec);
    for (const policy of space.all("policy")) this.#policy(policy, false);
    for (const { name, status } of space.all("job")) this.#board.hold(name, isHeld(status));
    for (const record of space.all("step")) {
      if (hasStepEnded(record)) continue;
      const hasBegun = record.status.phase === "running";
      if (!hasBegun && space.count("task", record.name) === 0) continue;
      const step = this.#add(record);
      const earlier = new Ring();
      for (const task of space.list("task", record.name)) {
        const index = indexOfTask(task.name);
        const { phase, notBefore } = task.status;
        if (phase === "waiting") this.#resting.add(step, index, notBefore ?? 0);
        else earlier.push(index);
      }
      if (earlier.length > 0) step.earlier = earlier;
      if (hasBegun) this.#open(step);
    }
  }

  /** Tasks from before this start may be handed out: first of all, as they came first. */
  admitEarlier(): void {
    for (const step of this.#board.steps.values()) {
      const { earlier } = step;
      if (!earlier) continue;
      step.earlier = undefined;
      earlier.take(step.fresh);
      step.fresh = earlier;
      this.#board.refresh(step);
    }
  }

  /** A commit was applied. */
  applied(changes: readonly Change[]): void {
    if (this.#board.isCommitting) return; // the scheduler's own: it knows
    for (const { op, record } of changes) {
      const isGone = op === "archive" || op === "delete";
      if (record.kind === "task") {
        this.#leased(record, isGone);
      } else if (record.kind === "job") {
        if (isGone || isHeld(record.status)) this.#board.hold(record.name, !isGone);
      } else if (record.kind === "step") {
        if (isGone || hasStepEnded(record)) this.#drop(record);
        else this.#changed(record);
      } else if (record.kind === "machine") {
        this.#machine(record, isGone);
      } else if (record.kind === "instance") {
        this.#instances.follow(record, isGone);
      } else if (record.kind === "project") {
        this.#project(record, isGone);
      } else if (record.kind === "policy") {
        this.#policy(record, isGone);
      }
    }
  }

  /** A batch is on disk. */
  durable({ changes }: Batch): void {
    const touched = new Set<StepState>();
    let last: StepState | undefined;
    for (const { op, record } of changes) {
      if (op === "archive" || op === "delete") continue;
      if (record.kind === "task") {
        const step = this.#arrive(record);
        if (step && step !== last) touched.add((last = step));
      } else if (record.kind === "step") {
        this.#step(record);
      } else if (record.kind === "job") {
        if (hasJobEnded(record)) this.#jobEnded(record);
        this.#board.hold(record.name, isHeld(this.#board.space.get("job", record.name)?.status));
      }
    }
    for (const step of touched) this.#board.refresh(step);
  }

  #arrive(task: TaskRecord): StepState | undefined {
    const { name, status } = task;
    if (status !== readyStatus && !this.#isNewest(task)) return undefined;
    const step = this.#board.stepOf(name) ?? this.#addLive(name.slice(0, name.lastIndexOf("/")));
    if (!step) return undefined;
    const index = indexOfTask(name);
    if (step.leases.has(index)) return undefined; // an attempt of it goes on
    if (status.phase === "waiting") this.#resting.add(step, index, status.notBefore ?? 0);
    else if (status.attempts || status.lost || status.regrouped || status.preempted)
      step.again.push(index);
    else step.fresh.push(index);
    return step;
  }

  /** What has changed since says itself what follows from it, once that is durable. */
  #isNewest({ name, revision }: TaskRecord): boolean {
    return this.#board.space.get("task", name)?.revision === revision;
  }

  #step({ name, status }: StepRecord): void {
    if (status.phase === "succeeded") this.#shuffle.mapEnded(name);
    if (status.phase !== "running") return;
    const step = this.#board.steps.get(name) ?? this.#addLive(name);
    if (step && !step.isOpen) this.#open(step);
    else if (step?.gang) this.#gathered(step);
  }

  /** With its last task made, it is complete: now its size is known. */
  #gathered(step: StepState): void {
    const record = this.#board.space.get("step", step.name);
    if (record?.status.closed && step.leases.size === 0) this.#board.reclass(step, record);
    this.#board.refresh(step);
  }

  /** What the batch says may be history: only what is so now counts. */
  #addLive(name: string): StepState | undefined {
    const record = this.#board.space.get("step", name);
    return record && !hasStepEnded(record) ? this.#add(record) : undefined;
  }

  #add(record: StepRecord): StepState {
    const step = this.#board.addStep(record);
    this.#preparer.attach(step, record);
    return step;
  }

  #open(step: StepState): void {
    const record = this.#board.space.get("step", step.name);
    if (record?.status.phase !== "running") return;
    step.isOpen = true;
    this.#shuffle.attach(step, record);
    this.#board.refresh(step);
  }

  /** Others changed a task, maybe one that is under way. */
  #leased(task: TaskRecord, isGone: boolean): void {
    const first = this.#board.leaseOf(task.name);
    if (!first) return;
    for (const lease of first.twin ? [first, first.twin] : [first]) {
      if (!isGone) lease.task = task;
      else if (!lease.isEnding) this.#board.revoke(lease);
    }
  }

  /** What its tasks need may be something else now, by a rule on the data that they read; and how fast they are handed out. */
  #changed(record: StepRecord): void {
    const step = this.#board.steps.get(record.name);
    if (!step) return;
    this.#board.slow(step, record.status.slowed?.everyMs);
    if (step.needs === record.spec.template.needs) return;
    this.#board.reclass(step, record);
    this.#board.clock.soon(() => this.#onMisplaced(step));
  }

  #drop({ name }: AnyRecord): void {
    const step = this.#board.steps.get(name);
    if (step) this.#board.dropStep(step);
  }

  #machine(record: MachineRecord, isGone: boolean): void {
    const machine = this.#board.machines.get(record.name);
    if (!machine) {
      if (!isGone) this.#board.addMachine(record);
      return;
    }
    if (isGone) machine.leasesUntilMs = -Infinity;
    machine.record = record;
    machine.fits.clear();
    this.#board.openings++;
    this.#board.onDue(machine);
  }

  #project({ name, spec }: ProjectRecord, isGone: boolean): void {
    const { fairness, quotas, clock } = this.#board;
    quotas.limit(name, isGone ? {} : spec);
    if (isGone) return;
    fairness.weigh(name, spec.weight, clock.monotonicMs());
    this.#board.onDue(undefined);
  }

  #policy({ name, spec }: PolicyRecord, isGone: boolean): void {
    const isCarbon = !isGone && spec.type === "autonomic" && spec.objective === "carbon";
    if (isCarbon) this.#board.carbonPolicies.add(name);
    else this.#board.carbonPolicies.delete(name);
  }

  #jobEnded({ name }: JobRecord): void {
    const job = this.#board.space.get("job", name);
    if (!job || hasJobEnded(job)) this.#onJobEnded(name);
  }
}

function isHeld(status: JobRecord["status"] | undefined): boolean {
  return status?.held !== undefined;
}
