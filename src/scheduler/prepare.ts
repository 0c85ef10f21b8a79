import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { StepRecord } from "#/model/step.ts";
import { taskName, type TaskRecord } from "#/model/task.ts";
import type { MemoRecord } from "#/model/memo.ts";
import type { Board } from "./board.ts";
import { mayReuse, memoKeyOf } from "./memo.ts";
import { ReadyTasks, type Home } from "./ready.ts";
import type { StepState } from "./state.ts";
import { Tally } from "./tally.ts";

const batchTasksMax = 128;
const againMs = 1000;

interface Candidate {
  readonly index: number;
  readonly task: TaskRecord;
  readonly files: Record<string, string>;
  readonly memoKey: string | undefined;
  readonly home: Home | undefined;
}

/** What a task takes from tasks before: blobs by path, and where most of them are. */
interface Taken {
  readonly files: Record<string, string>;
  readonly home: Home | undefined;
}

/** Whether tasks of a step have to be looked up in the archive before they are handed out. */
export function needsPreparing(record: StepRecord): boolean {
  return mayReuse(record) || record.spec.template.inputs.some(({ from }) => "step" in from);
}

interface Wanted {
  readonly path: string;
  readonly output: string;
  readonly sourceOf: (index: number) => string;
  readonly isShared: boolean;
}

/** The machine with most bytes. */
function mostOf(bytes: ReadonlyMap<string, number>): Home | undefined {
  let most: Home | undefined;
  for (const [machine, count] of bytes)
    if (count > (most?.bytes ?? 0)) most = { machine, bytes: count };
  return most;
}

/**
 * Looks up, a batch ahead of handing them out, which blobs the files of tasks are that come from
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
    step.prepared = { ready: new ReadyTasks(), files: new Map(), memoKeys: new Map(), underWay: 0 };
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
      const { index, memoKey, home } = candidate;
      if (Object.keys(candidate.files).length > 0) files.set(index, candidate.files);
      if (memoKey !== undefined) memoKeys.set(index, memoKey);
      ready.push(index, step.gang ? undefined : home, this.#board.clock.monotonicMs());
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
      const { files, home } = filesOf(index);
      const memoKey = mayReuse(record) ? memoKeyOf(record, task.spec, files) : undefined;
      return { index, task, files, memoKey, home };
    });
  }

  /** What these tasks take: outputs of the task of the same index, or of the only one. */
  async #filesOf(
    record: StepRecord,
    indexes: readonly number[],
  ): Promise<(index: number) => Taken> {
    const { space } = this.#board;
    const wanted: Wanted[] = [];
    const names = new Set<string>();
    for (const { path, from } of record.spec.template.inputs) {
      if (!("step" in from)) continue;
      const [found] = await space.find("step", [from.step]);
      if (!found) continue; // the agent says that the file is missing
      const sourceOf = (index: number) =>
        taskName(found.name, found.status.offered === 1 ? 0 : index);
      // what all take from one task is moved anyway
      const isShared = found.status.offered === 1 && record.status.offered > 1;
      wanted.push({ path, output: from.output, sourceOf, isShared });
      for (const index of indexes) names.add(sourceOf(index));
    }
    if (wanted.length === 0) return () => ({ files: {}, home: undefined });
    const sources = new Map<string, TaskRecord>();
    for (const task of await space.find("task", [...names])) if (task) sources.set(task.name, task);
    return (index) => {
      const files: Record<string, string> = {};
      const bytes = new Map<string, number>();
      for (const { path, output, sourceOf, isShared } of wanted) {
        const { machine, usage, outputs = {} } = sources.get(sourceOf(index))?.status ?? {};
        const key = outputs[output];
        if (key === undefined) continue;
        files[path] = key;
        if (machine === undefined || isShared) continue;
        const share = (usage?.writtenBytes ?? 0) / Object.keys(outputs).length;
        bytes.set(machine, (bytes.get(machine) ?? 0) + share);
      }
      return { files, home: mostOf(bytes) };
    };
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
