import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { Admission, type Seat, type Ticket } from "#/drivers/admission.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { StepSpec } from "#/model/step.ts";
import { stepOfTask } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { StepBrief, TaskClaim, TaskOffer, TaskReport } from "#/model/wire.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { AgentLink, Session } from "#/scheduler/session.ts";

/** An attempt, from when its machine has it. */
export interface Attempt {
  readonly task: string;
  readonly fence: number;
  /** Counted from 1. */
  readonly number: number;
  readonly spec: StepSpec;
  readonly machine: MachineRecord;
  /** For how long it had run when the fork began; undefined when it had not begun. */
  readonly ranMs: number | undefined;
}

/** How an attempt goes: decided by the fork when it begins. */
export interface Course {
  /** From now on; undefined for one that ends when `wait` calls back. */
  readonly leftMs: number | undefined;
  wait?(ended: () => void): void;
  report(): { usage: TaskUsage; error?: TaskReport["error"] };
}

export interface MachineParts {
  clock: Clock;
  begin(attempt: Attempt): Course;
}

interface Work {
  attempt: Attempt;
  ticket?: Ticket;
  seat?: Seat;
  timer?: Timer;
}

/**
 * A machine without a host: it pulls as an agent does, has the room that an agent's drivers see to, and
 * where those would run a task it lets time pass.
 */
export class SimulatedMachine implements AgentLink {
  readonly record: MachineRecord;
  #parts: MachineParts;
  #admission: Admission;
  #steps = new Map<string, StepSpec>();
  #held = new Map<number, Work>();
  #session!: Session;
  #reports: TaskReport[] = [];
  #isPulling = false;
  #isBeating = false;
  #hasEnded = false;

  constructor(record: MachineRecord, parts: MachineParts) {
    this.record = record;
    this.#parts = parts;
    this.#admission = new Admission(record.status.capacity);
  }

  /** Connects, and goes on with what it had. */
  connect(scheduler: Scheduler, had: readonly Omit<Attempt, "machine">[]): void {
    const holds = had.map(({ task, fence }): TaskClaim => [task, fence]);
    this.#session = scheduler.connect(this.record.name, holds, this, () => "");
    for (const hasBegun of [true, false]) {
      for (const one of had)
        if ((one.ranMs !== undefined) === hasBegun) this.#take({ ...one, machine: this.record });
    }
    this.#pullSoon();
  }

  offer(steps: Record<string, StepBrief>, tasks: TaskOffer[]): void {
    for (const name in steps) this.#steps.set(name, steps[name]!.spec);
    this.#isPulling = false;
    const machine = this.record;
    for (const { task, fence, attempt: number } of tasks) {
      const spec = this.#steps.get(stepOfTask(task))!;
      this.#take({ task, fence, number, spec, machine, ranMs: undefined });
    }
    this.#pullSoon();
  }

  cancel(claims: TaskClaim[]): void {
    for (const [, fence] of claims) {
      const work = this.#held.get(fence);
      if (!work) continue;
      this.#held.delete(fence);
      this.#drop(work);
    }
  }

  /** It is gone, with all that ran there. */
  end(): void {
    this.#hasEnded = true;
    for (const work of this.#held.values()) this.#drop(work);
    this.#held.clear();
    this.#reports = [];
    this.#session.close();
  }

  forget(jobs: string[]): void {
    for (const job of jobs)
      for (const step of this.#steps.keys())
        if (step.startsWith(`${job}/`)) this.#steps.delete(step);
  }

  fault(): void {}

  #take(attempt: Attempt): void {
    const work: Work = { attempt };
    this.#held.set(attempt.fence, work);
    const { run, needs } = attempt.spec.template;
    const isJob = run.driver === "runner" && run.role === "job";
    work.ticket = this.#admission.ask(isJob ? { ...needs, milliCpus: 0 } : needs, (seat) => {
      work.seat = seat;
      this.#begin(work);
    });
    if (!work.seat) this.#beatSoon();
  }

  #begin(work: Work): void {
    const { clock, begin } = this.#parts;
    const course = begin(work.attempt);
    const ended = () => this.#ended(work, course);
    if (course.leftMs === undefined) course.wait!(ended);
    else work.timer = clock.after(course.leftMs, ended);
  }

  #ended(work: Work, course: Course): void {
    const { task, fence } = work.attempt;
    if (!this.#held.delete(fence)) return;
    const { usage, error } = course.report();
    const report: TaskReport = error ? { task, fence, usage, error } : { task, fence, usage };
    if (this.#reports.push(report) === 1) this.#parts.clock.soon(() => this.#report());
    work.seat?.release();
  }

  #report(): void {
    const reports = this.#reports;
    this.#reports = [];
    if (this.#hasEnded) return;
    void this.#session.finish(reports);
  }

  /** An agent's beats tell which tasks handed out ahead have not begun. Nothing else here needs them. */
  #beat(): void {
    this.#isBeating = false;
    const running = [...this.#held.values()].filter(({ seat }) => seat);
    if (running.length === this.#held.size) return;
    const claims = running.map(({ attempt: { task, fence } }) => ({ task, fence, sinceMs: 0 }));
    this.#session.beat({ cpuShare: 0, memoryFreeBytes: 0, running: claims });
    this.#beatSoon();
  }

  #beatSoon(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#parts.clock.after(limits.heartbeatMs, () => this.#beat());
  }

  #drop({ ticket, seat, timer }: Work): void {
    timer?.cancel();
    ticket?.withdraw();
    seat?.release();
  }

  #pullSoon(): void {
    if (this.#isPulling) return;
    this.#isPulling = true;
    this.#parts.clock.soon(() => {
      if (!this.#hasEnded) this.#session.pull(limits.pullTasksMax);
    });
  }
}
