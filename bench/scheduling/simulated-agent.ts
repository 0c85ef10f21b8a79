import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { machineOf } from "#/forecast/offered.ts";
import { ratesOf } from "#/meter/prices.ts";
import type { Capacity } from "#/model/needs.ts";
import type { TaskOffer, TaskReport } from "#/model/wire.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Session } from "#/scheduler/session.ts";
import type { Transaction } from "#/space/space.ts";

/** What a bench wants to know of attempts. Called synchronously. */
export interface Watching {
  offered?(tasks: readonly TaskOffer[], machine: string): void;
  /** The attempt was ended before its time, after so long. */
  cancelled?(offer: TaskOffer, ranMs: number): void;
  /** The attempt has come to its end, and is about to be reported. */
  ending?(offer: TaskOffer): void;
  /** Its end is acknowledged: durable. */
  finished?(offer: TaskOffer): void;
}

/** The record of a machine that runs programs. */
export function putMachine(tx: Transaction, name: string, capacity: Capacity): void {
  const {
    serial: _,
    revision: __,
    ...machine
  } = machineOf(name, capacity, {
    site: "bench",
    labels: {},
    rates: ratesOf(capacity),
  });
  tx.put(machine);
}

/**
 * An agent without a machine: speaks to the scheduler as one does over its link, keeps a pull open,
 * beats, and says that a task has ended after the time that its input says, in milliseconds: "200".
 * Without `runs` it takes tasks and never ends them.
 */
export class SimulatedAgent {
  readonly machine: string;
  #session: Session;
  #clock: Clock;
  #watching: Watching;
  #running = new Map<string, { offer: TaskOffer; sinceMs: number; timer: Timer | undefined }>();
  #beat: Timer | undefined;

  constructor(
    scheduler: Scheduler,
    machine: string,
    {
      clock,
      watching,
      runs,
      pullTasks = limits.pullTasksMax,
    }: { clock: Clock; watching: Watching; runs: boolean; pullTasks?: number },
  ) {
    this.machine = machine;
    this.#clock = clock;
    this.#watching = watching;
    this.#session = scheduler.connect(
      machine,
      [],
      {
        offer: (_, tasks) => {
          watching.offered?.(tasks, machine);
          if (!runs) return;
          for (const task of tasks) this.#begin(task);
          this.#session.pull(pullTasks);
        },
        cancel: (claims) => {
          for (const [task, fence] of claims) this.#cancel(task, fence);
        },
        forget: () => {},
        fault: () => {},
      },
      () => "",
    );
    if (runs) this.#beatAgain();
  }

  pull(max: number = limits.pullTasksMax): void {
    this.#session.pull(max);
  }

  /** Its link is gone, and what it ran with it. */
  leave(): void {
    this.#beat?.cancel();
    for (const { timer } of this.#running.values()) timer?.cancel();
    this.#running.clear();
    this.#session.close();
  }

  #begin(offer: TaskOffer): void {
    const sinceMs = this.#clock.monotonicMs();
    const timer = this.#clock.after(Number(offer.input), () => this.#end(offer, sinceMs));
    this.#running.set(`${offer.task} ${offer.fence}`, { offer, sinceMs, timer });
  }

  #end(offer: TaskOffer, sinceMs: number): void {
    this.#running.delete(`${offer.task} ${offer.fence}`);
    this.#watching.ending?.(offer);
    const wallMs = this.#clock.monotonicMs() - sinceMs;
    const report: TaskReport = {
      task: offer.task,
      fence: offer.fence,
      usage: {
        startedAt: this.#clock.now() - wallMs,
        wallMs,
        cpuMs: wallMs,
        memoryBytes: 0,
        readBytes: 0,
        writtenBytes: 0,
      },
      exitCode: 0,
    };
    void this.#session.finish([report]).then(() => this.#watching.finished?.(offer));
  }

  #cancel(task: string, fence: number): void {
    const running = this.#running.get(`${task} ${fence}`);
    if (!running) return;
    running.timer?.cancel();
    this.#running.delete(`${task} ${fence}`);
    this.#watching.cancelled?.(running.offer, this.#clock.monotonicMs() - running.sinceMs);
  }

  #beatAgain(): void {
    const running = [...this.#running.values()].map(({ offer, sinceMs }) => ({
      task: offer.task,
      fence: offer.fence,
      sinceMs: this.#clock.monotonicMs() - sinceMs,
    }));
    this.#session.beat({ cpuShare: 0, memoryFreeBytes: 0, running });
    this.#beat = this.#clock.after(limits.heartbeatMs, () => this.#beatAgain(), true);
  }
}
