import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { Change } from "#/model/record.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { advanceJob, advanceStep, type CutBy, type Failure, type Surroundings } from "./advance.ts";
import { EndedJobs } from "./ended-jobs.ts";
import { Failures } from "./failures.ts";
import { JobIndex } from "./job-index.ts";
import { LinesFeed } from "./lines-feed.ts";
import { Places } from "./places.ts";
import { missingTasks, restoreTasks } from "./reopen.ts";
import { unfold, type Unfolded } from "./sources.ts";

export interface JobsParts {
  space: Space;
  blobs: Pick<Blobs, "get" | "put" | "stat">;
  clock: Clock;
  log: Log;
  /** Nothing is under way where it is not given. */
  cut?: CutBy;
}

/**
 * Starts the loop that carries jobs on: it begins steps whose turn has come, makes their tasks as
 * workers keep up, ends steps and jobs, and takes ended ones out of memory. It is told by the space
 * which records changed and looks only at those, so that its work follows what happens and not what
 * there is. All that it knows besides is built again from the records by the next start.
 */
export function startJobs(parts: JobsParts): { stop(): void } {
  return new JobsLoop(parts);
}

/** Commits in one turn, each on what the one before it made possible: a step ends, the next begins, the job ends. */
const passesMax = 8;
const againMs = 1000;

class JobsLoop {
  #space: Space;
  #blobs: JobsParts["blobs"];
  #clock: Clock;
  #log: Log;
  #cut: CutBy;
  #loop: Loop;
  #stopListening: () => void;
  #stopped = false;
  #ended: EndedJobs;
  #failures: Failures;
  #indexes = new Map<string, JobIndex>();
  #dueSteps = new Set<string>();
  #dueJobs = new Set<string>();
  #feeds = new Map<string, LinesFeed>();
  #faults = new Map<string, Failure>();
  /** What is being read, so that it is read once. */
  #busy = new Set<string>();
  #places: Places;
  /** Steps with a lazy source of which more tasks are to be made. */
  #unfolding = new Set<string>();

  constructor({ space, blobs, clock, log, cut = () => ({}) }: JobsParts) {
    this.#space = space;
    this.#cut = cut;
    this.#places = new Places(space);
    this.#blobs = blobs;
    this.#clock = clock;
    this.#log = log;
    this.#ended = new EndedJobs(space);
    this.#failures = new Failures(space);
    const jobs = [...space.all("job")].sort(
      (a, b) => (a.status.endedAt ?? 0) - (b.status.endedAt ?? 0),
    );
    for (const job of jobs) this.#seeJob(job);
    this.#stopListening = space.onApplied((changes) => this.#see(changes));
    const turn = () => this.#turn();
    this.#loop = startLoop("jobs", turn, { clock, log, everyMs: limits.jobsLookMs });
    this.#loop.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#loop.stop();
  }

  #see(changes: readonly Change[]): void {
    let isDue = false;
    for (const { op, record } of changes) {
      if (record.kind === "task") {
        if (op === "archive" && record.status.phase === "failed") this.#failures.note(record);
        continue;
      }
      if (record.kind === "machine" && this.#seeMachines()) isDue = true;
      if (record.kind !== "job" && record.kind !== "step") continue;
      isDue = true;
      const isLive = op === "put" || op === "restore";
      if (record.kind === "job") {
        if (isLive) this.#seeJob(record);
        else this.#ended.forget(record.name);
      } else if (isLive) {
        this.#seeStep(record);
      }
    }
    if (isDue) this.#loop.wake();
  }

  #seeJob(job: JobRecord): void {
    const { name } = job;
    if (hasJobEnded(job)) {
      this.#forget(name);
      this.#ended.add(job);
      return;
    }
    this.#dueJobs.add(name);
    if (this.#indexes.has(name)) return;
    this.#ended.forget(name);
    this.#indexes.set(name, new JobIndex());
    for (const step of this.#space.list("step", name)) this.#seeStep(step);
  }

  #seeStep(step: StepRecord): void {
    const job = jobOf(step.name);
    for (const name of this.#indexes.get(job)?.update(step) ?? []) this.#dueSteps.add(name);
    this.#dueJobs.add(job);
    const isLazy = step.spec.source.type !== "list" && !step.status.closed;
    if (isLazy && step.status.phase === "running") this.#unfolding.add(step.name);
    else this.#unfolding.delete(step.name);
    if (!hasStepEnded(step)) return;
    this.#feeds.delete(step.name);
    this.#ended.addStep(step.name);
  }

  /** There may be places for more tasks. True when that concerns anybody. */
  #seeMachines(): boolean {
    this.#places.forget();
    for (const step of this.#unfolding) this.#dueSteps.add(step);
    return this.#unfolding.size > 0;
  }

  #forget(job: string): void {
    if (!this.#indexes.delete(job)) return;
    this.#failures.forget(job);
    for (const known of [this.#feeds, this.#faults]) {
      for (const step of known.keys()) if (jobOf(step) === job) known.delete(step);
    }
  }

  #turn(): void {
    for (let pass = 0; pass < passesMax && this.#isDue(); pass++) this.#advance();
    const isMore = this.#takeOut();
    if (isMore || this.#isDue()) this.#loop.wake();
  }

  #takeOut(): boolean {
    try {
      return this.#ended.turn(this.#clock.now());
    } catch (thrown) {
      // The space says that the disk is full, once; this loop's next turn tries again.
      if (isOutside(thrown)) return false;
      throw thrown;
    }
  }

  #isDue(): boolean {
    return this.#dueSteps.size > 0 || this.#dueJobs.size > 0;
  }

  /** One commit about some of what is due. Should one record make it throw, the others still go on. */
  #advance(): void {
    const steps = take(this.#dueSteps, limits.jobsBatchMax);
    const jobs = take(this.#dueJobs, limits.jobsBatchMax);
    try {
      this.#commit(steps, jobs);
    } catch (thrown) {
      if (isOutside(thrown)) return this.#again(steps, jobs);
      for (const step of steps) this.#commitAlone([step], []);
      for (const job of jobs) this.#commitAlone([], [job]);
    }
  }

  #commitAlone(steps: string[], jobs: string[]): void {
    try {
      this.#commit(steps, jobs);
    } catch (thrown) {
      this.#log.error("a job could not be carried on", {
        about: [...steps, ...jobs],
        error: messageOf(thrown),
      });
      this.#again(steps, jobs);
    }
  }

  #commit(steps: readonly string[], jobs: readonly string[]): void {
    this.#space.commit((tx) => {
      const now = this.#clock.now();
      const budget = { tasks: limits.jobsBatchMax };
      for (const name of steps)
        this.#within(tx, jobOf(name), now, budget, (around) => advanceStep(tx, name, around));
      for (const name of jobs)
        this.#within(tx, name, now, budget, (around) => advanceJob(tx, name, around));
    });
  }

  #within(
    tx: Transaction,
    job: string,
    now: number,
    budget: { tasks: number },
    action: (around: Surroundings) => void,
  ): void {
    const index = this.#indexes.get(job);
    if (!index) return;
    action({
      index,
      now,
      missing: (step) => this.#missing(step),
      unfold: (step, max) => this.#unfold(step, Math.min(max, budget.tasks), budget),
      places: (step) => this.#places.of(step),
      failure: (step) => this.#failure(step.name),
      fault: (step) => this.#faults.get(step.name),
      cut: this.#cut,
    });
  }

  #missing(step: StepRecord): number {
    const missing = missingTasks(this.#space, step);
    if (missing > 0) {
      this.#read(`tasks of ${step.name}`, step.name, async () => {
        if (await restoreTasks(this.#space, step.name)) return;
        const reason = `${missing} of its tasks are neither in memory nor in the archive`;
        this.#faults.set(step.name, { reason, exitCode: 1 });
      });
    }
    return missing;
  }

  #unfold(step: StepRecord, max: number, budget: { tasks: number }): Unfolded | undefined {
    if (max === 0) {
      this.#clock.soon(() => this.#touch([step.name]));
      return undefined;
    }
    const { source } = step.spec;
    const more =
      source.type === "lines" ? this.#nextLines(step, source.blob, max) : unfold(step, max);
    budget.tasks -= more?.tasks.length ?? 0;
    return more;
  }

  #nextLines(step: StepRecord, blob: string, max: number): Unfolded | undefined {
    const { name, project, status } = step;
    let feed = this.#feeds.get(name);
    if (!feed) {
      this.#feeds.set(name, (feed = new LinesFeed(this.#blobs, project, blob)));
      if (status.total === undefined) this.#countLines(name, feed);
    }
    const more = feed.next(status.cursor, max);
    const reading = feed;
    if (!more) this.#read(`lines of ${name}`, name, () => reading.read(status.cursor));
    return more;
  }

  #countLines(name: string, feed: LinesFeed): void {
    this.#read(`count of ${name}`, name, async () => {
      const total = await feed.count();
      const step = this.#space.get("step", name);
      if (total === undefined || !step || step.status.closed || this.#stopped) return;
      this.#space.commit((tx) => tx.put({ ...step, status: { ...step.status, total } }));
    });
  }

  #failure(step: string): Failure | undefined {
    const known = this.#faults.get(step) ?? this.#failures.get(step);
    if (!known) this.#read(`failure of ${step}`, step, () => this.#failures.lookUp(step));
    return known;
  }

  /** Reads in the background, then looks at the step again. What is not there, or too large, fails the step. */
  #read(what: string, step: string, action: () => Promise<void>): void {
    if (!this.#busy.has(what)) void this.#readNow(what, step, action);
  }

  async #readNow(what: string, step: string, action: () => Promise<void>): Promise<void> {
    this.#busy.add(what);
    try {
      await action();
      this.#touch([step]);
    } catch (thrown) {
      if (isImpossible(thrown)) {
        this.#faults.set(step, { reason: messageOf(thrown), exitCode: 1 });
        this.#touch([step]);
      } else {
        if (!isOutside(thrown)) {
          this.#log.warn(`could not read the ${what}; trying again`, { error: messageOf(thrown) });
        }
        this.#again([step], []);
      }
    } finally {
      this.#busy.delete(what);
    }
  }

  #again(steps: readonly string[], jobs: readonly string[]): void {
    this.#clock.after(againMs, () => this.#touch(steps, jobs), true);
  }

  #touch(steps: readonly string[], jobs: readonly string[] = steps.map(jobOf)): void {
    if (this.#stopped) return;
    for (const step of steps) this.#dueSteps.add(step);
    for (const job of jobs) this.#dueJobs.add(job);
    this.#loop.wake();
  }
}

/** The disk is full, or Canopy is stopping: nothing is wrong with what was to be done. */
function isOutside(thrown: unknown): boolean {
  return thrown instanceof CanopyError && ["no-space", "unavailable"].includes(thrown.code);
}

/** What is to be read will never be there, or never fit. */
function isImpossible(thrown: unknown): boolean {
  return thrown instanceof CanopyError && ["not-found", "too-large"].includes(thrown.code);
}

function take(names: Set<string>, max: number): string[] {
  const taken: string[] = [];
  for (const name of names) {
    if (taken.length === max) break;
    names.delete(name);
    taken.push(name);
  }
  return taken;
}
