import type { Capacity, Needs } from "#/model/needs.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskClaim } from "#/model/wire.ts";
import { jobOf, type TaskRecord } from "#/model/task.ts";
import { Chain, type Link } from "./chain.ts";
import { Gang, type KeptForGang } from "./gang.ts";
import type { Share } from "./fairness.ts";
import type { Choice } from "./placement.ts";
import type { Account } from "./quota.ts";
import type { ReadyTasks, Home } from "./ready.ts";
import { Ring } from "./ring.ts";
import type { RunTimes } from "./run-times.ts";
import type { Segments } from "./segments.ts";
import type { AgentLink, MachineLoad } from "./session.ts";
import type { TaskClass } from "./task-class.ts";

/** What is known of a running step beyond its record: who waits, and who is under way. Soft: made again at each start. */
export class StepState {
  readonly name: string;
  readonly job: string;
  readonly number: number;
  readonly priority: number;
  readonly share: Share;
  readonly account: Account;
  class: TaskClass;
  /** What the class was made of: another one when the needs of its tasks have changed. */
  needs: Needs;
  /** Steps of one job and one title share what is known of their run times. */
  readonly kind: string;
  readonly runTimes: RunTimes;
  readonly gang: Gang | undefined;
  /** How many of its tasks the next ones to be handed out are at least: more than one only of a gang that has not begun. Set by the board. */
  atOnce = 1;
  /** Tasks that wait for their first attempt, in the order they came. */
  fresh = new Ring();
  /** Tasks that were handed out before: they go first. */
  readonly again = new Ring();
  /** Tasks from before this start, held back until the machines have said what they hold. */
  earlier: Ring | undefined;
  /** Tasks under way, by index. Of two attempts of one task this is the first; the other one is its twin. */
  readonly leases = new Map<number, Lease>();
  /** Attempts under way: of a task with two, both. */
  attempts = 0;
  /** Of them, those on machines that are paid for, and in no quota. */
  paidFor = 0;
  /** Fences of leases that were over before anything had begun, which no record says. */
  readonly givenBack = new Map<number, number>();
  /** Tasks that rest after a failed attempt. */
  resting = 0;
  /** Its record says "running", on disk. */
  isOpen = false;
  /** Where it stands in line; set by the queue. */
  isInLine = false;
  /** What each task has to be looked up for before it is handed out; see prepare.ts. */
  prepared: Prepared | undefined;
  /** For a reduce step: where the shuffle is; see segments.ts. */
  segments: Segments | undefined;
  /** A machine was turned away as tasks wait for the machines that have their input, and is looked at again. */
  isAwaitingHomes = false;
  /** While its tasks fail in masses: how long after one the next is handed out, and when that is. Monotonic. */
  slowed: { everyMs: number; nextMs: number } | undefined;
  /** Smaller tasks have been passing it by on some machine since; 0 when none has. Monotonic. */
  passedSinceMs = 0;
  /** How long a machine is kept free for it the next time. */
  keptFreeMs = 0;
  /** Since it was put in line, or served last. Monotonic. */
  waitsSinceMs = 0;

  constructor(
    record: StepRecord,
    more: {
      priority: number;
      share: Share;
      account: Account;
      taskClass: TaskClass;
      runTimes: RunTimes;
    },
  ) {
    this.name = record.name;
    this.job = jobOf(record.name);
    this.number = Number(record.name.slice(this.job.length + 1));
    this.priority = more.priority;
    this.share = more.share;
    this.account = more.account;
    this.class = more.taskClass;
    this.needs = record.spec.template.needs;
    this.kind = `${this.job} ${record.spec.title}`;
    this.runTimes = more.runTimes;
    this.gang = record.spec.gang && new Gang(record.spec.gang);
  }

  /** Several of its tasks may wait on a machine without harm. What is held against a quota, and what others wait for, never waits there. */
  get isShort(): boolean {
    return this.runTimes.areShort && !this.account.isLimited && !this.gang;
  }

  /** Tasks that could be handed out now. */
  get available(): number {
    return this.prepared ? this.prepared.ready.length : this.waiting;
  }

  /** Tasks that wait and are not under way to being prepared. */
  get waiting(): number {
    return this.again.length + this.fresh.length;
  }

  /** The next task that waits. */
  shift(): number | undefined {
    return this.again.shift() ?? this.fresh.shift();
  }
}

/** What was looked up for tasks before they are handed out. */
export interface Prepared {
  readonly ready: ReadyTasks;
  readonly files: Map<number, Record<string, string>>;
  readonly memoKeys: Map<number, string>;
  /** Being looked up at this moment. */
  underWay: number;
}

/** A task under way on a machine, under a fencing number. */
export interface Lease extends Link<Lease> {
  readonly step: StepState;
  readonly index: number;
  /** Its record, as it is at this moment: kept here as looking it up is what a report would cost most. */
  task: TaskRecord;
  readonly fence: number;
  readonly machine: MachineState;
  /** When it was handed out, on the monotonic clock. */
  readonly sinceMs: number;
  readonly attempt: number;
  /** The CPUs of its machine that it stands for, memory counted too. */
  readonly cpus: number;
  /** On a machine that its project or job paid for when it was handed out: in no quota. */
  readonly isPaidFor: boolean;
  /** Handed out as a short one: `meanMs` is what it was expected to take. Else it holds its needs. */
  isShort: boolean;
  readonly meanMs: number;
  /** The machine said that it runs, so many beats in a row. */
  beats: number;
  /** When it really began, by the last beat that said so; monotonic. */
  begunMs: number | undefined;
  /** The other attempt of the same task that is under way, on another machine. */
  twin: Lease | undefined;
  /** A report on it is being recorded. */
  isEnding: boolean;
  readonly memoKey: string | undefined;
  /** Blobs that files of tasks before are, by path. */
  readonly files: Readonly<Record<string, string>> | undefined;
  /** Why this machine; undefined when it had the task before this start. */
  readonly choice: Choice | undefined;
  readonly segments: Segments | undefined;
  /** Where its input was when it was handed out, as far as that is known. */
  readonly home: Home | undefined;
}

/** What is said of a lease when it is granted. */
export type Granted = Pick<Lease, "attempt" | "cpus" | "isShort" | "sinceMs"> &
  Partial<Pick<Lease, "fence" | "memoKey" | "files" | "choice" | "home">>;

/** A lease that begins now; beside the other attempt of its task, if that has one. */
export function newLease(
  step: StepState,
  index: number,
  task: TaskRecord,
  machine: MachineState,
  fence: number,
  more: Granted,
): Lease {
  return {
    step,
    index,
    task,
    fence,
    machine,
    sinceMs: more.sinceMs,
    attempt: more.attempt,
    cpus: more.cpus,
    isPaidFor: machine.isPaidFor,
    isShort: more.isShort,
    meanMs: step.runTimes.meanMs,
    beats: 0,
    begunMs: undefined,
    twin: step.leases.get(index),
    isEnding: false,
    memoKey: more.memoKey,
    files: more.files,
    choice: more.choice,
    segments: step.segments,
    home: more.home,
    before: undefined,
    after: undefined,
  };
}

export function claimOf(lease: Lease): TaskClaim {
  return [lease.task.name, lease.fence];
}

/** Every attempt of a step that is under way. */
export function* leasesOfStep(step: StepState): Generator<Lease> {
  for (const lease of step.leases.values()) {
    const { twin } = lease;
    yield lease;
    if (twin) yield twin;
  }
}

/** A machine as it is at this moment. */
export class MachineState {
  readonly name: string;
  record: MachineRecord;
  session: SessionState | undefined;
  /** Every lease of this machine is over then, unless it is heard. Monotonic. */
  leasesUntilMs = 0;
  /** Wall clock. */
  seenAt: number | undefined;
  /** How often it has lost what it ran, since this start. */
  losses = 0;
  load: MachineLoad | undefined;
  readonly leases = new Chain<Lease>();
  /** What instances and functions hold, and tasks that were not handed out as short ones. */
  heldMilliCpus = 0;
  heldMemoryBytes = 0;
  /** Of these, what instances and functions hold. */
  besideTasks: Capacity = { milliCpus: 0, memoryBytes: 0 };
  /** Short tasks on it, and the work in them. */
  shortTasks = 0;
  shortWorkMs = 0;
  /** Whether tasks of a class could ever run here. */
  readonly fits = new Map<TaskClass, boolean>();
  /** Jobs of which it may keep something. */
  readonly jobs = new Set<string>();
  /** Claims to tell it to end, with the next turn. */
  cancels: TaskClaim[] = [];
  /** A step that it is kept free for, and until when. */
  keptFree: { step: StepState; untilMs: number } | undefined;
  /** It has room, and has not asked for work for so long that gangs do not wait for it, until it does. */
  isSilent = false;
  /** Gangs for which places here are kept. */
  readonly keptForGangs = new Map<StepState, KeptForGang>();

  constructor(record: MachineRecord) {
    this.name = record.name;
    this.record = record;
  }

  get capacity(): Capacity {
    return this.record.status.capacity;
  }

  /** A job or a project pays for it, and shares it with nobody: what runs there counts in no quota. */
  get isPaidFor(): boolean {
    const { reservedFor, reservedForProject } = this.record.spec;
    return reservedFor !== undefined || reservedForProject !== undefined;
  }

  /** The CPUs that a task of a step stands for here: memory keeps others away just as well. */
  cpusOf({ class: { milliCpus, memoryBytes } }: StepState): number {
    const { capacity } = this;
    const memoryShare = memoryBytes > 0 ? memoryBytes / capacity.memoryBytes : 0;
    return Math.max(milliCpus, memoryShare * capacity.milliCpus) / 1000;
  }
}

/** The link that a machine has at this moment. */
export interface SessionState {
  readonly agent: AgentLink;
  /** Steps it has been told of. */
  readonly steps: Set<string>;
  readonly jobKeyOf: (job: string) => string;
  /** What the open pull asks for; 0 when there is none. */
  pullTasks: number;
}
