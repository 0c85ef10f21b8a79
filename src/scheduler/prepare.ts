import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { StepRecord } from "#/model/step.ts";
import { taskName, type TaskRecord } from "#/model/task.ts";
import type { MemoRecord } from "#/model/memo.ts";
import type { Board } from "./board.ts";
import { mayReuse, memoKeyOf } from "./memo.ts";
import { Ring } from "./ring.ts";
import type { StepState } from "./state.ts";
import { Tally } from "./tally.ts";

const batchTasksMax = 128;
const againMs = 1000;

interface Candidate {
  readonly index: number;
  readonly task: TaskRecord;
  readonly files: Record<string, string>;
  readonly memoKey: string | undefined;
}

/** Whether tasks of a step have to be looked up in the archive before they are handed out. */
export function needsPreparing(record: StepRecord): boolean {
  return mayReuse(record) || record.spec.template.inputs.some(({ from }) => "step" in from);
}

/**
 * Looks up, a batch ahead of handing them out, which objects the files of tasks are that come from
 * steps before, and whether an equal task has succeeded earlier: such a task ends at once, with that
 * result. The archive answers later than at once, which is why a pull does not ask it itself.
 */
export class Preparer {
  #board: Board;
  #log: Log;
  #busy = new Set<StepState>();
  #isStopped = false;

  constructor(board: Board, log: Log) {
    this.#board = board;
    this.#log = log;
  }

  /** Makes the step one whose tasks are looked up first, when they have to be. */
  attach(step: StepState, record: StepRecord): void {
    if (!needsPreparing(record)) return;
    step.prepared = { ready: new Ring(), files: new Map(), memoKeys: new Map(), underWay: 0 };
  }

  /** Tasks of the step wait: looks some of them up, unless enough are ready. */
  wake(step: StepState): void {
    if (this.#busy.has(step) || this.#isStopped) return;
    this.#busy.add(step);
    this.#fill(step).catch((thrown: unknown) => {
      this.#log.error("looking up tasks ahead failed", {
        step: step.name,
        error: messageOf(thrown),
      });
      this.#busy.delete(step);
      this.#board.clock.after(againMs, () => this.#board.refresh(step), true);
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #fill(step: StepState): Promise<void> {
    const prepared = step.prepared!;
    while (
      this.#mayGoOn(step) &&
      step.waiting > 0 &&
      prepared.ready.length < limits.prepareTasksMax
    ) {
      const indexes: number[] = [];
      while (indexes.length < batchTasksMax) {
        const index = step.shift();
        if (index === undefined) break;
        indexes.push(index);
      }
      prepared.underWay = indexes.length;
      try {
        await this.#prepare(step, indexes);
      } catch (thrown) {
        for (const index of indexes) step.again.push(index);
        throw thrown;
      } finally {
        prepared.underWay = 0;
      }
      this.#board.refresh(step);
    }
    this.#busy.delete(step);
  }

  #mayGoOn(step: StepState): boolean {
    return step.isOpen && !this.#isStopped;
  }

  async #prepare(step: StepState, indexes: readonly number[]): Promise<void> {
    const { space } = this.#board;
    const record = space.get("step", step.name);
    if (!record) return;
    const candidates = await this.#candidates(step, record, indexes);
    const keys = candidates.flatMap(({ memoKey }) => memoKey ?? []);
    const memos = new Map<string, MemoRecord>();
    for (const memo of await space.find("memo", keys)) if (memo) memos.set(memo.name, memo);
    if (!this.#mayGoOn(step)) return;
    const isHit = ({ memoKey }: Candidate) => memoKey !== undefined && memos.has(memoKey);
    const hits = candidates.filter(isHit);
    if (hits.length > 0) this.#reuse(step, hits, memos);
    const { ready, files, memoKeys } = step.prepared!;
    for (const candidate of candidates) {
      if (isHit(candidate)) continue;
      const { index, memoKey } = candidate;
      if (Object.keys(candidate.files).length > 0) files.set(index, candidate.files);
      if (memoKey !== undefined) memoKeys.set(index, memoKey);
      ready.push(index);
    }
  }

  async #candidates(
    step: StepState,
    record: StepRecord,
    indexes: readonly number[],
  ): Promise<Candidate[]> {
    const filesOf = await this.#filesOf(record, indexes);
    return indexes.flatMap((index) => {
      const task = this.#board.space.get("task", taskName(step.name, index));
      // A machine may have said meanwhile, after a restart, that it has it under way.
      if (!task || step.leases.has(index)) return [];
      const files = filesOf(index);
      const memoKey = mayReuse(record) ? memoKeyOf(record, task.spec, files) : undefined;
      return { index, task, files, memoKey };
    });
  }

  /** The objects that files of these tasks are, by path: outputs of the task of the same index, or of the only one. */
  async #filesOf(
    record: StepRecord,
    indexes: readonly number[],
  ): Promise<(index: number) => Record<string, string>> {
    const { space } = this.#board;
    const wanted: { path: string; output: string; sourceOf: (index: number) => string }[] = [];
    const names = new Set<string>();
    for (const { path, from } of record.spec.template.inputs) {
      if (!("step" in from)) continue;
      const [found] = await space.find("step", [from.step]);
      if (!found) continue; // the agent says that the file is missing
      const sourceOf = (index: number) =>
        taskName(found.name, found.status.offered === 1 ? 0 : index);
      wanted.push({ path, output: from.output, sourceOf });
      for (const index of indexes) names.add(sourceOf(index));
    }
    if (wanted.length === 0) return () => ({});
    const sources = new Map<string, TaskRecord>();
    for (const task of await space.find("task", [...names])) if (task) sources.set(task.name, task);
    return (index) =>
      Object.fromEntries(
        wanted.flatMap(({ path, output, sourceOf }) => {
          const key = sources.get(sourceOf(index))?.status.outputs?.[output];
          return key === undefined ? [] : [[path, key]];
        }),
      );
  }

  /** Tasks whose result is known already end now, having used nothing. */
  #reuse(
    step: StepState,
    hits: readonly Candidate[],
    memos: ReadonlyMap<string, MemoRecord>,
  ): void {
    this.#board.commit((tx) => {
      const record = tx.get("step", step.name);
      if (record?.status.phase !== "running")
        throw new CanopyError("conflict", `${step.name} has ended`);
      const tally = new Tally();
      for (const { task, index, memoKey } of hits) {
        const live = tx.get("task", task.name);
        if (!live || step.leases.has(index)) continue;
        const { attempts, lost } = live.status;
        tx.archive({
          ...live,
          status: {
            phase: "succeeded",
            reused: true,
            ...memos.get(memoKey!)!.status,
            ...(attempts && { attempts }),
            ...(lost !== undefined && { lost }),
          },
        });
        const of = tally.of(step.name);
        of.succeeded++;
        of.reused++;
      }
      tally.write(tx);
    });
  }
}
