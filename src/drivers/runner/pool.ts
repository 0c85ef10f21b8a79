import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Needs } from "#/model/needs.ts";
import { jobOf, type TaskError } from "#/model/task.ts";
import type { Seat, Ticket } from "../admission.ts";
import type { DriverParts, Outcome, Work } from "../driver.ts";
import { failed, usedNothing } from "../outcomes.ts";
import type { EndLine } from "./lines.ts";
import { reduceWith, stepLine, taskLine } from "./telling.ts";
import { chargedWith, verdictOf } from "./blame.ts";
import { endingOf } from "./endings.ts";
import { watch } from "./watch.ts";
import { Queue } from "./queue.ts";
import { Warm, type WarmEnd, type WarmEvents } from "./warm.ts";

export interface PoolKind {
  project: string;
  module: string;
  /** Each task waits for others most of its time, and has a runner to itself. */
  isJob: boolean;
  needs: Needs;
}

/** A process keeps its seat at least so long when others want it. */
const seatMs = 50;
const loadFailuresMax = 3;
let warmCount = 0;

/**
 * The warm processes of one module, and the tasks that wait for them.
 *
 * A process that works has a seat in the machine; it gives it back when it runs dry, or when others
 * want one. Short tasks are told ahead, about limits.runnerAheadMs of them; a task of unknown length
 * alone. What was told to a process that dies goes back into the queue, but for who is charged with it:
 * see blame.ts.
 */
export class Pool implements WarmEvents {
  idleSinceMs = 0;
  #parts: DriverParts;
  #kind: PoolKind;
  #memoryBytes: number;
  #queue = new Queue<Work>();
  /** Suspects: each gets a fresh process to itself. */
  #suspects: Work[] = [];
  #warms = new Set<Warm>();
  #idle: Warm[] = [];
  /** Told of their end, with a result that is still on its way to be kept. */
  #storing = new Set<Work>();
  #asked: Ticket | undefined;
  #isDispatching = false;
  #isStopped = false;
  #preparing = 0;
  #meanMs: number | undefined;
  #hasLoaded = false;
  #loadFailures = 0;
  /** What work that is made to crash ends with. */
  #crashes = new WeakMap<Work, TaskError>();

  constructor(parts: DriverParts, kind: PoolKind) {
    this.#parts = parts;
    this.#kind = kind;
    const fairShare = parts.capacity.memoryBytes / Math.max(1, parts.capacity.milliCpus / 1000);
    this.#memoryBytes = kind.needs.memoryBytes || Math.floor(fairShare);
  }

  get isBusy(): boolean {
    return (
      this.#queue.size > 0 || this.#suspects.length > 0 || this.#warms.size > this.#idle.length
    );
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get isUnused(): boolean {
    const isIdle = !this.isBusy && this.#warms.size === 0 && this.#preparing === 0;
    return isIdle && this.#storing.size === 0;
  }

  add(work: Work): void {
    if (work.offer.inputBlob === undefined) {
      this.#queue.push(work);
      this.#dispatchSoon();
    } else {
      void this.#fetchInput(work, work.offer.inputBlob);
    }
  }

  running(): Work[] {
    const underWay = [...this.#warms].flatMap((warm) => warm.head()?.[1] ?? []);
    return [...underWay, ...this.#storing];
  }

  /** `work.cancelled` is set. What waits ends now; what runs is told, and made to after a grace. */
  cancel(work: Work): void {
    const isWaiting = this.#queue.remove(work) || this.#suspects.includes(work);
    if (isWaiting) {
      this.#suspects = this.#suspects.filter((other) => other !== work);
      return this.#end(work, cancelled(this.#parts.clock.now()));
    }
    for (const warm of this.#warms) {
      for (const [number, other] of warm.flights) {
        if (other !== work) continue;
        if (warm.state === "ready" && warm.flights.size > 1) this.#giveBack(warm.takeBack());
        if (!warm.flights.has(number)) return;
        warm.say(`c\t${number}`);
        warm.flush();
        warm.cancelMs ||= this.#parts.clock.monotonicMs();
        return;
      }
    }
  }

  /** Ends the process that is at it; what that had been told besides goes on in another one. */
  crash(work: Work, error: TaskError): boolean {
    const warm = [...this.#warms].find((other) => other.head()?.[1] === work);
    if (!warm || warm.killedFor || warm.state === "gone") return false;
    warm.kill(work, error.reason, error.message);
    this.#crashes.set(work, error);
    return true;
  }

  forget(job: string): void {
    for (const warm of this.#warms) {
      for (const step of warm.steps.keys()) if (jobOf(step) === job) warm.steps.delete(step);
    }
  }

  /** Watches over what runs: see the driver's sweep. */
  sweep(nowMs: number): void {
    for (const warm of this.#warms) this.#giveBack(watch(warm, this.#parts.clock, nowMs));
    const oldest = this.#idle[0];
    if (oldest && nowMs - oldest.idleMs > limits.runnerIdleMs) this.endOneIdle();
  }

  endOneIdle(): boolean {
    const warm = this.#idle.shift();
    warm?.quit();
    return warm !== undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#asked?.withdraw();
    for (const work of [...this.#queue.drain(), ...this.#suspects.splice(0)]) {
      this.#end(work, cancelled(this.#parts.clock.now()));
    }
    for (const warm of this.#warms) warm.kill(undefined, "cancelled", "The agent stopped");
    await Promise.all([...this.#warms].map((warm) => warm.gone));
  }

  // What a warm process tells.

  loaded(warm: Warm): void {
    this.#hasLoaded = true;
    this.#loadFailures = 0;
    if (this.#isStopped) return warm.kill(undefined, "cancelled", "The agent stopped");
    this.#feed(warm);
  }

  moved(warm: Warm): void {
    if (isWornOut(warm)) this.#retire(warm);
    else if (warm.state === "ready") this.#feed(warm);
  }

  ended(warm: Warm, line: EndLine): void {
    const { number, wallMs } = line;
    const work = warm.flights.get(number)!;
    warm.flights.delete(number);
    warm.cancelMs = 0;
    warm.isExclusive = false;
    if (warm.isAlone) {
      warm.isAlone = false;
      work.suspected = 0;
    }
    this.#meanMs = this.#meanMs === undefined ? wallMs : this.#meanMs * 0.9 + wallMs * 0.1;
    const segments = warm.segments.get(number);
    warm.segments.delete(number);
    const outcome = endingOf(this.#parts, { work, warm, line, segments });
    if (!(outcome instanceof Promise)) return this.#end(work, outcome);
    this.#storing.add(work);
    void outcome.then((later) => {
      this.#storing.delete(work);
      this.#end(work, later);
    });
  }

  gone(warm: Warm, end: WarmEnd): void {
    this.#warms.delete(warm);
    this.#idle = this.#idle.filter((other) => other !== warm);
    const { clock } = this.#parts;
    const { killedFor, isExclusive, tasksTold } = warm;
    const left = [...warm.flights].reverse();
    warm.flights.clear();
    for (const [number, work] of left) {
      const ranMs = clock.monotonicMs() - work.startedMs;
      const death = { killedFor, isExclusive, tasksTold, begun: warm.begun(), ranMs };
      if (work.cancelled || this.#isStopped) this.#end(work, cancelled(clock.now()));
      else if (verdictOf(death, number, work) !== "charged") this.#again(work);
      else {
        const at = { now: clock.now(), ranMs, memoryBytesMax: this.#memoryBytes };
        const outcome = chargedWith(warm, end, at);
        const crash = this.#crashes.get(work);
        this.#end(work, crash ? { ...outcome, error: crash } : outcome);
      }
    }
    if (!warm.hasLoaded && !this.#isStopped) this.#notLoaded(end);
    warm.seat?.release();
    warm.seat = undefined;
    this.#dispatchSoon();
  }

  dropped(_warm: Warm, back: Work[]): void {
    this.#giveBack(back);
  }

  // How tasks find their process.

  #dispatchSoon(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    queueMicrotask(() => {
      this.#isDispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#isStopped) return;
    for (const warm of this.#warms) {
      if (this.#queue.size === 0) break;
      if (warm.seat && warm.state === "ready") this.#feed(warm);
    }
    if (this.#queue.size === 0 && this.#suspects.length === 0) return;
    const coming = this.#coming();
    if (this.#asked || coming >= this.#queue.size + this.#suspects.length) return;
    if (!this.#kind.isJob && coming * 1000 >= Math.max(1000, this.#parts.capacity.milliCpus))
      return;
    if (this.#warms.size - this.#idle.length + this.#preparing >= limits.runnersPerModuleMax)
      return;
    let isSeated = false;
    const asked = this.#parts.admission.ask(this.#kind.needs, (seat) => {
      isSeated = true;
      this.#asked = undefined;
      if (this.#isStopped || (this.#queue.size === 0 && this.#suspects.length === 0))
        return seat.release();
      this.#seat(seat);
      this.#dispatchSoon();
    });
    if (!isSeated) this.#asked = asked;
  }

  /** Processes that have a seat and are not ready yet: each will take at least one task. */
  #coming(): number {
    let count = this.#preparing;
    for (const warm of this.#warms) if (warm.seat && warm.state === "loading") count++;
    return count;
  }

  #seat(seat: Seat): void {
    const suspect = this.#suspects.shift();
    const warm = suspect ? undefined : this.#idle.pop();
    if (!warm) return void this.#begin(seat, suspect);
    warm.seat = seat;
    warm.seatedMs = this.#parts.clock.monotonicMs();
    this.#feed(warm);
  }

  async #begin(seat: Seat, suspect: Work | undefined): Promise<void> {
    this.#preparing++;
    try {
      const { path } = await this.#parts.blobs.fetch(this.#kind.project, this.#kind.module);
      const name = `runner-${++warmCount}`;
      await this.#parts.files.makeFolder(`${this.#parts.folder}/${name}`);
      if (this.#isStopped) throw new CanopyError("unavailable", "The agent stopped");
      if (suspect?.cancelled) {
        this.#end(suspect, cancelled(this.#parts.clock.now()));
        suspect = undefined;
      }
      const { milliCpus } = this.#kind.needs;
      const warm = new Warm(this.#parts, this, {
        name,
        modulePath: path,
        memoryBytes: this.#memoryBytes,
        milliCpus,
      });
      warm.seat = seat;
      warm.seatedMs = warm.startedMs;
      this.#warms.add(warm);
      if (!suspect) return;
      warm.isAlone = true;
      this.#tell(warm, suspect);
      warm.flush();
    } catch (thrown) {
      seat.release();
      const message = `The module cannot be had: ${messageOf(thrown)}`;
      if (suspect) this.#suspects.unshift(suspect);
      this.#failWaiting({ reason: "not-started", message });
    } finally {
      this.#preparing--;
    }
  }

  /** Tells a seated process as many tasks as it should have, or lets it rest. */
  #feed(warm: Warm): void {
    if (isWornOut(warm)) return this.#retire(warm);
    if (!warm.seat || warm.state !== "ready" || warm.isAlone || warm.isExclusive) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const isYielding =
      this.#parts.admission.isContended(this.#asked) && nowMs - warm.seatedMs > seatMs;
    if (!isYielding && !this.#isStopped) {
      const window = this.#window();
      // topped up when half of it is done: a write costs more than the tasks in it
      let room = warm.flights.size * 2 > window ? 0 : window - warm.flights.size;
      while (room-- > 0 && this.#queue.size > 0 && !warm.isExclusive) {
        if (isReduce(this.#queue.first!) && warm.flights.size > 0) break;
        this.#tell(warm, this.#queue.shift()!);
      }
      warm.flush();
    }
    if (warm.flights.size === 0) this.#rest(warm, nowMs);
  }

  /** How many tasks a process is told ahead: by how long they take, and so that others get some. */
  #window(): number {
    if (this.#kind.isJob || this.#meanMs === undefined) return 1;
    const ahead = Math.floor(limits.runnerAheadMs / Math.max(this.#meanMs, 0.001));
    const seated = Math.max(1, this.#warms.size - this.#idle.length);
    const share = Math.ceil(this.#queue.size / seated);
    return Math.max(1, Math.min(ahead, limits.runnerAheadTasksMax, share + 1));
  }

  #tell(warm: Warm, work: Work): void {
    if (!warm.steps.has(work.step)) warm.say(stepLine(warm, work, this.#parts.cloudUrl));
    const number = warm.tell(work, (next) => taskLine(warm, work, next));
    if (!isReduce(work)) return;
    warm.isExclusive = true;
    void reduceWith(this.#parts, warm, work).then((outcome) => {
      if (!outcome || !warm.flights.delete(number)) return;
      warm.isExclusive = false;
      warm.isAlone = false;
      this.#end(work, outcome);
      this.moved(warm);
    });
  }

  #rest(warm: Warm, nowMs: number): void {
    warm.idleMs = nowMs;
    this.idleSinceMs = nowMs;
    this.#idle.push(warm);
    const { seat } = warm;
    warm.seat = undefined;
    seat!.release();
    this.#dispatchSoon();
  }

  /** One that is worn out ends when it has done what it was told; one not to be trusted at once. */
  #retire(warm: Warm): void {
    if (warm.state === "ending" || warm.state === "gone") return;
    if (!warm.isRetired) {
      if (warm.flights.size === 0) warm.quit();
      return;
    }
    const left = [...warm.flights.values()];
    warm.flights.clear();
    warm.kill(undefined, "cancelled", "It is replaced");
    this.#giveBack(left);
  }

  #giveBack(back: Work[]): void {
    for (const work of back.reverse()) {
      if (work.cancelled) this.#end(work, cancelled(this.#parts.clock.now()));
      else this.#again(work);
    }
    this.#dispatchSoon();
  }

  // What becomes of the tasks of a process that died.

  #again(work: Work): void {
    work.startedMs = 0;
    if (work.suspected > 1) this.#suspects.push(work);
    else this.#queue.unshift(work);
    this.#dispatchSoon();
  }

  #notLoaded(end: WarmEnd): void {
    const isFirst = !this.#hasLoaded && end.broken !== undefined;
    if (!isFirst && ++this.#loadFailures < loadFailuresMax) return;
    const message = end.broken?.message ?? `The module cannot be loaded: ${end.message}`;
    this.#failWaiting(end.broken ?? { reason: "not-started", message });
  }

  #failWaiting(error: TaskError): void {
    const usage = usedNothing(this.#parts.clock.now());
    for (const work of [...this.#suspects.splice(0), ...this.#queue.drain()])
      this.#end(work, { usage, error });
  }

  async #fetchInput(work: Work, key: string): Promise<void> {
    this.#preparing++;
    try {
      const { path, sizeBytes } = await this.#parts.blobs.fetch(work.brief.project, key);
      work.inputFile = { path, sizeBytes };
      if (work.cancelled || this.#isStopped)
        return this.#end(work, cancelled(this.#parts.clock.now()));
      this.#queue.push(work);
      this.#dispatchSoon();
    } catch (thrown) {
      const message = `Its input cannot be had: ${messageOf(thrown)}`;
      this.#end(work, failed(usedNothing(this.#parts.clock.now()), "input-missing", message));
    } finally {
      this.#preparing--;
    }
  }

  #end(work: Work, outcome: Outcome): void {
    work.sink.ended(work, outcome);
  }
}

function isWornOut(warm: Warm): boolean {
  return warm.isRetired || warm.tasksTold > limits.runnerTasksMax;
}

function isReduce({ brief }: Work): boolean {
  const { run } = brief.spec.template;
  return run.driver === "runner" && run.role === "reduce";
}

function cancelled(now: number): Outcome {
  return failed(usedNothing(now), "cancelled", "It was cancelled");
}
