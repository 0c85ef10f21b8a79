import type { Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { FunctionRun, TaskError } from "#/model/task.ts";
import type { Driver, DriverParts, Work } from "../driver.ts";
import { failed, usedNothing } from "../outcomes.ts";
import { Pool } from "./pool.ts";

/** Looked at so often while something runs; and when all rest. */
const sweepMs = 25;
const sweepRestingMs = 1000;

/**
 * Runs functions of users' modules in warm processes. Tasks that may share a process (same project,
 * module, needs and kind) share a pool of them; one sweep watches all for timeouts, memory and
 * neighbours that hold others up, so that a task costs no timer of its own.
 */
export function runnerDriver(parts: DriverParts): Driver {
  return new RunnerDriver(parts);
}

class RunnerDriver implements Driver {
  readonly name = "runner";
  #parts: DriverParts;
  #pools = new Map<string, Pool>();
  #poolOfStep = new Map<string, Pool>();
  #sweep: Timer | undefined;
  #isSweepingOften = false;
  #isStopped = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  start(work: Work): void {
    const pool = this.#poolOfStep.get(work.step) ?? this.#poolFor(work);
    if (this.#isStopped || !pool) {
      const message = this.#isStopped ? "The agent is stopping" : "This driver runs functions only";
      const outcome = failed(usedNothing(this.#parts.clock.now()), "not-started", message);
      queueMicrotask(() => work.sink.ended(work, outcome));
      return;
    }
    pool.add(work);
    if (!this.#isSweepingOften) this.#sweepSoon(sweepMs);
  }

  cancel(work: Work): void {
    work.cancelled = true;
    this.#poolOf(work)?.cancel(work);
  }

  crash(work: Work, error: TaskError): boolean {
    return this.#poolOf(work)?.crash(work, error) ?? false;
  }

  running(): Work[] {
    return [...this.#pools.values()].flatMap((pool) => pool.running());
  }

  forget(job: string): void {
    for (const step of this.#poolOfStep.keys()) {
      if (step.startsWith(`${job}/`)) this.#poolOfStep.delete(step);
    }
    for (const pool of this.#pools.values()) pool.forget(job);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#sweep?.cancel();
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  /** Where work is that was started, even of a job that was forgotten meanwhile. */
  #poolOf(work: Work): Pool | undefined {
    const { run } = work.brief.spec.template;
    return run.driver === "runner" ? this.#pools.get(keyOf(work, run)) : undefined;
  }

  #poolFor(work: Work): Pool | undefined {
    const { step, brief } = work;
    const { run, needs } = brief.spec.template;
    if (run.driver !== "runner") return undefined;
    const isJob = run.role === "job";
    const key = keyOf(work, run);
    let pool = this.#pools.get(key);
    if (!pool) {
      pool = new Pool(this.#parts, { project: brief.project, module: run.module, isJob, needs });
      this.#pools.set(key, pool);
    }
    this.#poolOfStep.set(step, pool);
    return pool;
  }

  #sweepSoon(delayMs: number): void {
    this.#sweep?.cancel();
    this.#isSweepingOften = delayMs === sweepMs;
    const { clock } = this.#parts;
    // What lies unread is read first: after a time in which this process stood still it would be news.
    this.#sweep = clock.after(delayMs, () => clock.soon(() => this.#sweepNow()), true);
  }

  #sweepNow(): void {
    if (this.#isStopped) return;
    this.#isSweepingOften = false;
    const nowMs = this.#parts.clock.monotonicMs();
    let isBusy = false;
    let idle = 0;
    for (const [key, pool] of this.#pools) {
      pool.sweep(nowMs);
      isBusy ||= pool.isBusy;
      idle += pool.idleCount;
      if (pool.isUnused) this.#drop(key, pool);
    }
    if (idle > limits.runnersIdleMax) this.#endOldestIdle(idle - limits.runnersIdleMax);
    if (isBusy) this.#sweepSoon(sweepMs);
    else if (idle > 0) this.#sweepSoon(sweepRestingMs);
  }

  #drop(key: string, pool: Pool): void {
    this.#pools.delete(key);
    for (const [step, other] of this.#poolOfStep) if (other === pool) this.#poolOfStep.delete(step);
  }

  #endOldestIdle(count: number): void {
    const pools = [...this.#pools.values()].sort((a, b) => a.idleSinceMs - b.idleSinceMs);
    for (const pool of pools) while (count > 0 && pool.endOneIdle()) count--;
  }
}

/** Work of the same may share a process. */
function keyOf({ brief }: Work, { module, role }: FunctionRun): string {
  const { milliCpus, memoryBytes } = brief.spec.template.needs;
  return [brief.project, module, role === "job", milliCpus, memoryBytes].join(" ");
}
