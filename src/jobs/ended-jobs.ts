import { limits } from "#/base/limits.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { unfinishedTasks } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";
import { sweepStep } from "./end.ts";

/**
 * Takes what has ended out of memory, a batch per turn: at once the tasks that ended steps left
 * behind, and after a while whole jobs, the oldest first.
 */
export class EndedJobs {
  #space: Space;
  /** Ended steps that still have tasks, or wait for some to come back from the archive. */
  #sweeping = new Set<string>();
  /** Ended jobs that are still live, in the order they ended, and when. */
  #jobs = new Map<string, number>();

  constructor(space: Space) {
    this.#space = space;
  }

  add(job: JobRecord): void {
    this.#jobs.set(job.name, job.status.endedAt ?? 0);
    for (const { name } of this.#space.list("step", job.name)) this.addStep(name);
  }

  addStep(name: string): void {
    const step = this.#space.get("step", name);
    if (step && (this.#space.count("task", name) > 0 || unfinishedTasks(step) > 0))
      this.#sweeping.add(name);
  }

  /** The job runs again, or is gone. */
  forget(job: string): void {
    this.#jobs.delete(job);
  }

  /** One batch; true when there is more to do at once. */
  turn(now: number): boolean {
    for (const name of this.#sweeping) {
      if (sweepStep(this.#space, name)) this.#sweeping.delete(name);
      return true;
    }
    for (const [name, endedAt] of this.#jobs) {
      if (this.#jobs.size <= limits.endedJobsMax && now - endedAt < limits.endedJobMs) return false;
      if (this.#isStillBilled(name)) continue;
      return this.#archive(name);
    }
    return false;
  }

  /** Machines that were bought for it may still cost something, which is added to its record. */
  #isStillBilled(name: string): boolean {
    if (!this.#space.get("job", name)?.spec.goal) return false;
    for (const order of this.#space.all("order"))
      if (order.spec.job === name && !hasOrderEnded(order)) return true;
    return false;
  }

  /** Steps first: should it stop in between, the job is still there to go on with. */
  #archive(name: string): boolean {
    const job = this.#space.get("job", name);
    if (!job || !hasJobEnded(job)) {
      this.#jobs.delete(name);
      return true;
    }
    this.#space.commit((tx) => {
      let room = limits.jobsBatchMax;
      for (const step of this.#space.list("step", name)) {
        if (room-- === 0) return;
        tx.archive(step);
      }
      tx.archive(job);
    });
    return true;
  }
}
