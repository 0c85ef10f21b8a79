import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { StepRecord } from "#/model/step.ts";
import { taskName, type TaskRecord } from "#/model/task.ts";
import type { Board } from "./board.ts";
import { waitForInput, type Ending } from "./ending.ts";
import type { Ended } from "./finish.ts";
import { Segments } from "./segments.ts";
import type { Meter } from "./session.ts";
import type { StepState } from "./state.ts";
import { Tally } from "./tally.ts";

const againMs = 1000;

/**
 * What reduce steps need to know of the map steps before them: where the output of each map task is.
 * It lies on the machines that made it, in no durable place; when a machine has gone, the reduce task
 * that misses it says so, and those map tasks run again.
 */
export class Shuffle {
  #board: Board;
  #meter: Meter;
  #log: Log;
  /** Reduce steps by the map step that they stand on. */
  #reducers = new Map<string, Set<StepState>>();

  constructor(board: Board, meter: Meter, log: Log) {
    this.#board = board;
    this.#meter = meter;
    this.#log = log;
  }

  attach(step: StepState, record: StepRecord): void {
    const { shuffle } = record.spec;
    if (shuffle?.role !== "reduce") return;
    const mapStep = shuffle.from;
    const reducers = this.#reducers.get(mapStep);
    if (reducers) reducers.add(step);
    else this.#reducers.set(mapStep, new Set([step]));
    step.segments = new Segments(mapStep);
    this.#load(step);
  }

  detach(step: StepState): void {
    const mapStep = step.segments?.mapStep;
    if (mapStep === undefined) return;
    const reducers = this.#reducers.get(mapStep);
    reducers?.delete(step);
    if (reducers?.size === 0) this.#reducers.delete(mapStep);
  }

  /** A step has succeeded, on disk: reduce steps that stand on it may go on. */
  mapEnded(step: string): void {
    for (const reducer of this.#reducers.get(step) ?? []) {
      if (!reducer.segments!.isComplete) this.#load(reducer);
    }
  }

  /**
   * Those map tasks are restored and run again, and the reduce task waits for them. Resolves when
   * that is durable. Throws "no-space", with the reduce task still leased.
   */
  async recover(ended: Ended): Promise<void> {
    const { lease, report } = ended;
    const { step } = lease;
    const { space } = this.#board;
    const mapStep = step.segments?.mapStep;
    // another reduce task may have said so before, of the same output
    const isNews = lease.segments === step.segments && mapStep !== undefined;
    const names = isNews
      ? (report.error?.lostTasks ?? []).filter((task) => task.startsWith(`${mapStep}/`))
      : [];
    let found: (TaskRecord | undefined)[];
    try {
      found = await space.find("task", names);
    } catch (thrown) {
      lease.isEnding = false;
      throw thrown;
    }
    if (!this.#board.isCurrent(lease)) return; // it was cancelled meanwhile
    const stillNews = isNews && lease.segments === step.segments;
    try {
      const lost = stillNews ? found.filter((task) => task?.status.phase === "succeeded") : [];
      const { durable } = this.#record(ended, lost as TaskRecord[], mapStep);
      if (lost.length > 0) this.#invalidate(mapStep!);
      this.#board.end(lease, ended.usage.wallMs);
      await durable;
    } catch (thrown) {
      lease.isEnding = false;
      throw thrown;
    }
  }

  #record({ lease, report, usage }: Ended, lost: TaskRecord[], mapStep: string | undefined) {
    const { clock } = this.#board;
    return this.#board.commit((tx) => {
      const tally = new Tally();
      const map = mapStep === undefined ? undefined : tx.get("step", mapStep);
      const mayRerun = map?.status.phase === "running" || map?.status.phase === "succeeded";
      if (map && mayRerun && lost.length > 0) {
        for (const task of lost) {
          const status = {
            phase: "ready",
            lost: (task.status.lost ?? 0) + 1,
            fence: this.#board.fence,
          } as const;
          tx.put({ ...task, status });
        }
        const of = tally.of(map.name);
        of.succeeded -= lost.length;
        of.lost += lost.length;
        of.reopens = map.status.phase === "succeeded";
      }
      const step = tx.get("step", lease.step.name);
      const { task } = lease;
      if (step) {
        tally
          .of(step.name)
          .spend(this.#meter(usage, step.spec.template.needs, lease.machine.record));
        const ending: Ending = { tx, tally, step, task, lease, now: clock.now() };
        waitForInput(ending, report.error!, lease.segments === lease.step.segments);
      }
      tally.write(tx);
    });
  }

  /** What is known of that map step's output is no longer so. */
  #invalidate(mapStep: string): void {
    for (const reducer of this.#reducers.get(mapStep) ?? []) {
      reducer.segments = new Segments(mapStep);
      this.#board.refresh(reducer);
    }
  }

  #load(step: StepState): void {
    const segments = step.segments!;
    if (segments.isLoading) return;
    segments.isLoading = true;
    this.#read(step, segments)
      .catch((thrown: unknown) => {
        this.#log.error("reading where a shuffle is failed", {
          step: step.name,
          error: messageOf(thrown),
        });
        step.segments = new Segments(segments.mapStep);
        this.#board.clock.after(againMs, () => this.mapEnded(segments.mapStep), true);
      })
      .finally(() => void (segments.isLoading = false));
  }

  async #read(step: StepState, segments: Segments): Promise<void> {
    const { space } = this.#board;
    const map = space.get("step", segments.mapStep);
    if (map?.status.phase !== "succeeded") return; // comes again when it has
    const { offered } = map.status;
    for (let from = 0; from < offered; from += limits.pageMax) {
      const length = Math.min(limits.pageMax, offered - from);
      const names = Array.from({ length }, (_, index) => taskName(map.name, from + index));
      const tasks = await space.find("task", names);
      tasks.forEach((task, index) => {
        if (task?.status.shuffle) segments.add(from + index, task.status.shuffle);
      });
    }
    if (step.segments !== segments) return;
    segments.isComplete = true;
    this.#board.refresh(step);
  }
}
