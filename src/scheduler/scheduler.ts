import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import type { Fault } from "#/model/game-day.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Placement } from "#/model/placement.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskClaim } from "#/model/wire.ts";
import type { TaskError } from "#/model/task.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { compareHolds } from "./adopt.ts";
import { Board } from "./board.ts";
import { beginCopy, spareMachines } from "./copies.ts";
import { Dispatch } from "./dispatch.ts";
import { endAttempt } from "./end-attempt.ts";
import { explainJob } from "./explain.ts";
import { explainProject } from "./explain-quota.ts";
import { explainJobNot, explainMachine } from "./explain-machine.ts";
import { explainTask } from "./explain-task.ts";
import type { Explanation, Misfit } from "./explanation.ts";
import { misfit } from "./fit.ts";
import { Forgetting } from "./forgetting.ts";
import { isBroken } from "./gang.ts";
import { Grace } from "./grace.ts";
import { Intake } from "./intake.ts";
import { OpenSession } from "./open-session.ts";
import { Preparer } from "./prepare.ts";
import type { ExpectedMs } from "./ranks.ts";
import { Reaper } from "./reaper.ts";
import { RestingTasks } from "./retry.ts";
import type {
  AgentLink,
  Happenings,
  LeaseView,
  MachineView,
  Meter,
  Session,
  WaitingView,
} from "./session.ts";
import { Reclaim } from "./reclaim.ts";
import { Ring } from "./ring.ts";
import { holdBesideTasks } from "./room.ts";
import { Shuffle } from "./shuffle.ts";
import type { StepState } from "./state.ts";
import { leaseViews, machineView, viewOf, waitingViews } from "./views.ts";

export interface SchedulerParts {
  space: Space;
  clock: Clock;
  log: Log;
  meter: Meter;
  /** Whether nobody else hands out tasks of this log at this moment; always when not given. */
  isSure?: () => boolean;
  /** Time is simulated, and so are machines: they are never silent, and nobody looks whether they are. */
  isSimulated?: boolean;
  /**
   * Which of several machines that ask are served first. When not given, the one that has asked for longest;
   * where the policy of a project has the objective carbon, the fullest, so that others can sleep.
   */
  placement?: Placement | undefined;
  /** What is known of run times, for the order of steps that wait for each other; nothing when not given. */
  expectedMs?: ExpectedMs;
}

/**
 * Hands out tasks that are ready to the machines that pull, under leases, and records how they end.
 *
 * Who is next is queue.ts and fairness.ts, what has room where room.ts and fit.ts, one pull take.ts,
 * one report finish.ts, the end of a machine reaper.ts and lost.ts; what is known beyond the records
 * is board.ts. This class only holds them together.
 */
export class Scheduler {
  #placement: Placement | undefined;
  #space: Space;
  #meter: Meter;
  #board: Board;
  #dispatch: Dispatch;
  #resting: RestingTasks;
  #preparer: Preparer;
  #shuffle: Shuffle;
  #intake: Intake;
  #reaper: Reaper;
  #reclaim: Reclaim;
  #grace: Grace;
  #forgetting: Forgetting;
  #unsubscribe: (() => void)[] = [];

  constructor(parts: SchedulerParts) {
    const { space, clock, log, meter, isSure, isSimulated = false, placement } = parts;
    this.#placement = placement;
    this.#space = space;
    this.#meter = meter;
    const board = new Board(space, clock, parts.expectedMs ?? (() => undefined));
    board.isSimulated = isSimulated;
    this.#board = board;
    if (isSure) board.isSure = isSure;
    this.#dispatch = new Dispatch(board, () => this.placement);
    this.#resting = new RestingTasks(clock, (step, index) => this.#awake(step, index));
    this.#preparer = new Preparer(board, log);
    this.#shuffle = new Shuffle(board, meter, log);
    this.#reaper = new Reaper(board, log);
    this.#reclaim = new Reclaim(board, log, () => {
      this.#dispatch.wake(undefined);
      this.#dispatch.now();
    });
    this.#forgetting = new Forgetting(board);
    this.#grace = new Grace(clock, [], () => {});
    this.#grace.stop();
    this.#intake = new Intake({
      board,
      resting: this.#resting,
      preparer: this.#preparer,
      shuffle: this.#shuffle,
      onJobEnded: (job) => this.#forgetting.ended(job),
      onMisplaced: (step) => this.#reaper.stopMisplaced(step),
    });
    board.onDue = (machine) => this.#dispatch.wake(machine);
    board.quotas.onLimited = () => this.#reclaim.start();
    board.onPrepare = (step) => this.#preparer.wake(step);
    board.onDropped = (step) => {
      this.#shuffle.detach(step);
      this.#resting.drop(step);
    };
  }

  /** Which of several machines that ask are served first. */
  get placement(): Placement {
    return this.#placement ?? (this.#board.carbonPolicies.size > 0 ? "pack" : "asked");
  }

  /** Takes in what the space holds, and follows it from then on. Called once, before the first session. */
  start(): void {
    const [space, board] = [this.#space, this.#board];
    board.begin();
    this.#unsubscribe = [
      space.onApplied((changes) => this.#intake.applied(changes)),
      space.onDurable((batch) => {
        this.#intake.durable(batch);
        this.#dispatch.now();
      }),
    ];
    this.#intake.rebuild();
    this.#forgetting.begin();
    const grace = new Grace(this.#board.clock, this.#board.machines.keys(), () => {
      this.#intake.admitEarlier();
      this.#reaper.disband([...board.steps.values()].filter((step) => isBroken(space, step)));
    });
    this.#grace = grace;
    if (!this.#board.isSimulated) this.#reaper.start();
    // what was committed just before this start may not be on disk yet
    void space.durable().then(() => grace.endIfAllHeard());
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#reaper.stop();
    this.#reclaim.stop();
    this.#resting.stop();
    this.#preparer.stop();
    this.#dispatch.stop();
    this.#grace.stop();
  }

  /**
   * Opens a session for a machine that has joined; an older one of the same machine is over. `holds`
   * is all that the agent has under way or has finished without having it acknowledged. Throws
   * "not-found" when there is no such machine.
   */
  connect(
    machine: string,
    holds: readonly TaskClaim[],
    agent: AgentLink,
    jobKeyOf: (job: string) => string,
  ): Session {
    const record = this.#space.get("machine", machine);
    if (!record) {
      throw new CanopyError("not-found", `Cannot connect machine ${machine} as it has not joined`, {
        hint: "canopy join",
      });
    }
    const state = this.#board.machines.get(machine) ?? this.#board.addMachine(record);
    const session = new OpenSession(state, agent, jobKeyOf, {
      board: this.#board,
      dispatch: this.#dispatch,
      meter: this.#meter,
      shuffle: this.#shuffle,
      regroup: (members) => this.#reaper.regroup(members),
      gone: (gone) => {
        if (!gone.session) this.#reaper.lose(gone, [...gone.leases]);
      },
    });
    state.session = session;
    this.#board.openings++;
    session.hear();
    this.#reaper.lose(state, compareHolds(this.#board, state, holds));
    this.#forgetting.connected(state);
    this.#grace.heard(machine);
    this.#board.happenings?.linked(machine);
    return session;
  }

  /** Sends a fault to a machine. False when that is not connected. */
  strike(machine: string, fault: Fault): boolean {
    const session = this.#board.machines.get(machine)?.session;
    session?.agent.fault(fault);
    return session !== undefined;
  }

  /** Tells one listener of links and hits as they happen. */
  onHappening(listener: Happenings): void {
    this.#board.happenings = listener;
  }

  /** The lease of one task; undefined when it is not under way. */
  leaseOf(task: string): LeaseView | undefined {
    const lease = this.#board.leaseOf(task);
    return lease && viewOf(this.#board.clock, lease);
  }

  /** Tasks under way, of one job or of all. */
  leases(job?: string): LeaseView[] {
    return leaseViews(this.#board, job);
  }

  /** Steps with tasks that would begin at once if there were more machines. */
  waiting(): WaitingView[] {
    return waitingViews(this.#board);
  }

  /** Machines on which a second attempt of a task could begin at once, taking nothing from what waits. */
  spareFor(task: string): string[] {
    return spareMachines(this.#board, task);
  }

  /**
   * Begins a second attempt beside the one under that fence: the first that succeeds counts, and the other
   * one is ended. `also` is part of the commit that says so. False, with nothing changed, when that attempt
   * is over, has one beside it, or the machine has no room any more. Throws "no-space".
   */
  beginCopy(
    attempt: { task: string; fence: number },
    machine: string,
    also: (tx: Transaction) => void,
  ): boolean {
    return beginCopy(this.#board, attempt, machine, also);
  }

  /**
   * Ends an attempt as failed, and counts it. `also` is part of the commit that says so. False, with
   * nothing changed, when it is over. Throws "no-space".
   */
  endAttempt(
    attempt: { task: string; fence: number },
    error: TaskError,
    also: (tx: Transaction) => void,
  ): boolean {
    return endAttempt(this.#board, this.#meter, attempt, { error, also });
  }

  /** What the tasks of a project that are under way ask for. */
  usedBy(project: string): Capacity {
    return { ...this.#board.quotas.account(project).used };
  }

  /** All machines that have joined, as they are at this moment. */
  machines(): MachineView[] {
    return [...this.#board.machines.values()].map(machineView);
  }

  /**
   * Takes so much of a machine from what tasks are given, until the function given back is called. Nothing is held of one that has not joined.
   */
  hold(machine: string, held: Capacity): () => void {
    const state = this.#board.machines.get(machine);
    if (!state) return () => {};
    holdBesideTasks(state, held, 1);
    return () => {
      holdBesideTasks(state, held, -1);
      this.#board.onDue(state);
    };
  }

  /** Why the tasks of a job that wait do so: every reason, each machine's too. Empty when nothing waits. */
  explainJob(job: string, step?: string): Explanation[] {
    return explainJob(this.#board, this.#grace, job, step);
  }

  /** Why no more tasks of a job are on that machine. Throws "not-found" when it has not joined. */
  explainJobNot(job: string, machine: string): Explanation[] {
    return explainJobNot(this.#board, job, machine);
  }

  /** What a project may use, and which of its steps wait for more. */
  explainProject(project: string): Explanation[] {
    return explainProject(this.#board, project);
  }

  /** What a machine runs, and why it runs no more, of projects that may be told; nothing for one that has not joined. */
  explainMachine(machine: string, isTold?: (project: string) => boolean): Explanation[] {
    return explainMachine(this.#board, machine, isTold);
  }

  /**
   * Why a task waits, why it runs where it does, or how it ended. `not` asks why it does not run on
   * that machine. Throws "not-found" when there is no such task.
   */
  explainTask(name: string, options: { not?: string } = {}): Promise<Explanation[]> {
    return explainTask(this.#board, this.#grace, name, options.not);
  }

  /** Undefined when machines could run it, all that runs at once of a gang, when nothing else ran there; or when none has joined yet. */
  fit({ spec, status }: Pick<StepRecord, "spec" | "status">): Misfit | undefined {
    const { needs, run } = spec.template;
    const atOnce = spec.gang && (spec.gang.minimum ?? status.total);
    return misfit(this.#space.all("machine"), needs, run.driver, atOnce);
  }

  #awake(step: StepState, index: number): void {
    // in the grace after a start, the next attempt may be under way already
    if (this.#grace.isOver) this.#board.putBack(step, index);
    else (step.earlier ??= new Ring()).push(index);
  }
}
