import type { AnyRecord, Change } from "#/model/record.ts";
import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import type { FailedAttempt, TaskRecord } from "#/model/task.ts";
import type { Batch } from "#/space/log.ts";
import type { Executions } from "./executions.ts";
import { areSame } from "./same.ts";
import { Violation } from "./violation.ts";

/** Of a task that is given up for its lost machines; the product has a limit of its own. */
const lostMax = 5;

/** Fences begin with the epoch under which they were given. */
const epochOf = (fence: number) => Math.floor(fence / 2 ** 32);

interface Known {
  record: AnyRecord;
  isLive: boolean;
}

interface Counts {
  succeeded: number;
  failed: number;
  cancelled: number;
  offered: number;
}

/**
 * Every durable batch in its order, held against what may follow what. It knows records by what they
 * say and shares no code with those who write them.
 */
export class Ledger {
  /** Of who writes now. */
  epoch = 0;
  sequence = 0;
  serial = 0;
  ends = 0;
  #batches: Batch[] = [];
  #records = new Map<string, Known>();
  #counts = new Map<string, Counts>();
  #titles = new Map<string, string>();
  #executions: Executions;

  constructor(executions: Executions) {
    this.#executions = executions;
    executions.isDurable = (task) => this.#records.has(`task ${task}`);
  }

  /** A batch that is on the platters, or was read back from there. */
  take(batch: Batch): void {
    const known = this.#batches[batch.sequence - 1];
    if (known) {
      if (!areSame(known, batch))
        throw new Violation(`batch ${batch.sequence} was durable, and is another one now`);
      return;
    }
    if (batch.sequence !== this.sequence + 1)
      throw new Violation(`batch ${batch.sequence} became durable after ${this.sequence}`);
    if (batch.serial < this.serial)
      throw new Violation(`the serial went back from ${this.serial} to ${batch.serial}`);
    this.sequence = batch.sequence;
    this.serial = batch.serial;
    this.#batches.push(batch);
    for (const change of batch.changes) this.#change(change);
    for (const { record } of batch.changes) {
      if (record.kind === "step") this.#counted(record);
      if (record.kind === "step") this.#together(record);
      if (record.kind === "job") this.#jobStands(record);
    }
  }

  /** The log was read again and ends here. */
  reloaded(sequence: number): void {
    if (sequence < this.sequence)
      throw new Violation(`${this.sequence} batches were durable, and ${sequence} are left`);
  }

  record<R extends AnyRecord>(kind: R["kind"], name: string): R | undefined {
    return this.#records.get(`${kind} ${name}`)?.record as R | undefined;
  }

  *live(): Generator<AnyRecord> {
    for (const { record, isLive } of this.#records.values()) if (isLive) yield record;
  }

  /** The job of that title. */
  jobTitled(title: string): string | undefined {
    return this.#titles.get(title);
  }

  #change({ op, record }: Change): void {
    const key = `${record.kind} ${record.name}`;
    const before = this.#records.get(key);
    this.#revised(op, record, before);
    if (record.kind === "task") this.#task(op, record, before);
    else if (record.kind === "step") this.#step(record, before);
    else if (record.kind === "job") this.#job(record, before);
    if (op === "delete") this.#records.delete(key);
    else this.#records.set(key, { record, isLive: op !== "archive" });
  }

  #revised(op: Change["op"], record: AnyRecord, before: Known | undefined): void {
    const what = `${op} of ${record.kind} ${record.name}`;
    if (!before) {
      const isFirst = record.revision === 1 || (op === "archive" && record.kind === "memo");
      if (op !== "put" && !isFirst) throw new Violation(`${what}, which nobody made`);
      if (!isFirst) throw new Violation(`${what} begins with revision ${record.revision}`);
      return;
    }
    if (record.kind === "memo") return;
    if (record.revision !== before.record.revision + 1)
      throw new Violation(
        `${what}: revision ${record.revision} follows ${before.record.revision}: an update was lost`,
      );
    if (record.serial !== before.record.serial) throw new Violation(`${what} has another serial`);
    if (op === "restore" ? before.isLive : !before.isLive)
      throw new Violation(`${what}, which ${before.isLive ? "is live" : "has ended"}`);
  }

  #countsOf(step: string): Counts {
    let counts = this.#counts.get(step);
    if (!counts)
      this.#counts.set(step, (counts = { succeeded: 0, failed: 0, cancelled: 0, offered: 0 }));
    return counts;
  }

  #task(op: Change["op"], task: TaskRecord, before: Known | undefined): void {
    const { name, status } = task;
    const counts = this.#countsOf(name.slice(0, name.lastIndexOf("/")));
    const old = before?.record as TaskRecord | undefined;
    if (!old) {
      counts.offered++;
    } else if (op === "restore") {
      const { phase } = old.status;
      if (phase !== "failed" && phase !== "cancelled")
        throw new Violation(`the task ${name} had ${phase}, and runs again`);
      counts[phase]--;
      return;
    } else {
      this.#onward(task, old);
    }
    if (op !== "archive") {
      this.#mayBeTried(task);
      if (status.phase !== "ready" && status.phase !== "waiting")
        throw new Violation(`the live task ${name} is ${status.phase}`);
      return;
    }
    const { phase } = status;
    if (phase !== "succeeded" && phase !== "failed" && phase !== "cancelled")
      throw new Violation(`the task ${name} was archived as ${phase}`);
    counts[phase]++;
    this.ends++;
    if (phase === "succeeded") this.#succeeded(task, old);
    if (phase === "failed") this.#failed(task);
  }

  /** Nothing that was counted is forgotten. */
  #onward({ name, spec, status }: TaskRecord, old: TaskRecord): void {
    if (spec.input !== old.spec.input) throw new Violation(`the input of ${name} has changed`);
    if (
      status.phase !== "cancelled" &&
      (status.attempts?.length ?? 0) < (old.status.attempts?.length ?? 0)
    )
      throw new Violation(`failed attempts of ${name} were forgotten`);
    if (status.phase !== "cancelled" && (status.lost ?? 0) < (old.status.lost ?? 0))
      throw new Violation(`lost attempts of ${name} were forgotten`);
    if (status.fence !== undefined && status.fence < (old.status.fence ?? 0))
      throw new Violation(`the fence of ${name} went back`);
  }

  /** The result must be one that was made, under a fence that nobody has outlived. */
  #succeeded({ name, spec, status }: TaskRecord, old: TaskRecord | undefined): void {
    if (status.reused) return;
    const { fence, input } = JSON.parse(status.result ?? "null") as {
      fence: number;
      input: string;
    };
    const runs = this.#executions.of(name);
    const run = runs.find((one) => one.fence === fence);
    if (run?.outcome !== "succeeded")
      throw new Violation(`the task ${name} has a result that nobody made: fence ${fence}`);
    if (run.machine !== status.machine)
      throw new Violation(
        `the result of ${name} was made by ${run.machine}, and counts as of ${status.machine}`,
      );
    if (input !== spec.input) throw new Violation(`the result of ${name} is of another input`);
    if (fence <= (old?.status.fence ?? 0))
      throw new Violation(
        `the task ${name} took a result under the fence ${fence}, which was over: ${old?.status.fence}`,
      );
    const copyOf = (of: number) => old?.status.copies?.find((copy) => copy.fence === of);
    // A claim from before a start is believed until someone else has begun after that start.
    if (copyOf(fence)?.isOver)
      throw new Violation(`the task ${name} took the result of a copy that was over: ${fence}`);
    const later = runs.find(
      (one) =>
        one.fence > fence &&
        epochOf(one.fence) === this.epoch &&
        copyOf(one.fence)?.beside !== fence,
    );
    if (later)
      throw new Violation(
        `the task ${name} took a result under the fence ${fence} of ${run.machine} when ${later.machine} ran it under ${later.fence}`,
      );
  }

  /** All of a gang have succeeded, or none. */
  #together({ name, spec, status }: StepRecord): void {
    const { offered, succeeded } = status;
    if (!spec.gang || spec.gang.minimum !== undefined) return;
    if (succeeded > 0 && succeeded < offered)
      throw new Violation(`${succeeded} of the gang ${name} succeeded, of ${offered}`);
  }

  #retriesOf(task: string): number {
    const step = this.record<StepRecord>("step", task.slice(0, task.lastIndexOf("/")));
    return step?.spec.template.retries ?? 0;
  }

  #mayBeTried({ name, status }: TaskRecord): void {
    const failures = status.attempts?.length ?? 0;
    if (failures > 0 && failures > this.#retriesOf(name))
      throw new Violation(`the task ${name} failed ${failures} times, and is tried once more`);
  }

  #failed({ name, status }: TaskRecord): void {
    const attempts = status.attempts ?? [];
    // with another one of its gang
    if (attempts.at(-1)?.error.reason === "gang-failed") return;
    const isLost = (status.lost ?? 0) >= lostMax;
    const retries = this.#retriesOf(name);
    if (!isLost && attempts.length !== retries + 1)
      throw new Violation(
        `the task ${name} was given up after ${attempts.length} failures and ${status.lost ?? 0} losses; it has ${retries} retries`,
      );
    const real = this.#executions.failures(name);
    const byTask = ({ error: { reason } }: FailedAttempt) =>
      reason !== "machine-lost" && reason !== "hung";
    const charged = attempts.filter(byTask).length;
    if (charged > real)
      throw new Violation(`the task ${name} failed ${real} times, and is charged with ${charged}`);
  }

  #step(step: StepRecord, before: Known | undefined): void {
    const old = before?.record as StepRecord | undefined;
    const { name, status, spec } = step;
    if (old?.status.phase === "succeeded" && status.phase !== "succeeded")
      throw new Violation(`the step ${name} had succeeded, and is ${status.phase}`);
    if (old && status.offered < old.status.offered)
      throw new Violation(`tasks of the step ${name} are no longer offered`);
    if (status.phase !== "running" || old?.status.phase === "running") return;
    for (const earlier of spec.after) {
      const phase = this.record<StepRecord>("step", earlier)?.status.phase;
      if (phase !== "succeeded")
        throw new Violation(`the step ${name} began when ${earlier}, before it, was ${phase}`);
    }
  }

  /** Its counts are those of its tasks, after each batch. */
  #counted({ name, status }: StepRecord): void {
    const counts = this.#countsOf(name);
    const { phase, succeeded, failed, offered, cancelled } =
      this.record<StepRecord>("step", name)?.status ?? status;
    if (phase === "blocked") return; // tasks that are tried again come back one batch after the other
    const counted = { succeeded, failed, cancelled, offered };
    if (JSON.stringify(counted) !== JSON.stringify(counts))
      throw new Violation(
        `the step ${name} counts ${JSON.stringify(counted)}; its tasks are ${JSON.stringify(counts)}`,
      );
    if (phase === "succeeded" && succeeded + failed + cancelled !== offered)
      throw new Violation(
        `the step ${name} ended with ${succeeded + failed + cancelled} of its ${offered} tasks`,
      );
  }

  #job({ name, spec, status }: JobRecord, before: Known | undefined): void {
    const other = this.#titles.get(spec.title);
    if (other !== undefined && other !== name)
      throw new Violation(`'${spec.title}' was submitted once, and is both ${other} and ${name}`);
    this.#titles.set(spec.title, name);
    const old = before?.record as JobRecord | undefined;
    if (old?.status.phase === "succeeded" && status.phase !== "succeeded")
      throw new Violation(`the job ${name} had succeeded, and is ${status.phase}`);
  }

  #jobStands({ name, status }: JobRecord): void {
    if (status.phase !== "succeeded") return;
    for (let number = 0; number < status.steps; number++) {
      const step = this.record<StepRecord>("step", `${name}/${number}`);
      if (step?.status.phase !== "succeeded")
        throw new Violation(
          `the job ${name} succeeded when its step ${number} was ${step?.status.phase}`,
        );
    }
  }
}
