import { Chain, type Link } from "./chain.ts";
import type { Fairness, Share } from "./fairness.ts";
import type { StepState } from "./state.ts";
import type { TaskClass } from "./task-class.ts";

/**
 * Who is next. Between projects by their share; within a project by priority; between jobs of one
 * priority in turn; within a job by rank (ranks.ts), else in the order in which its steps came to have
 * something to run.
 *
 * Steps stand in lanes, one for each class of tasks, so that a pull asks once for each class whether
 * it fits the machine, however many tasks, steps and jobs there are.
 */
export class Queue {
  #fairness: Fairness;
  #projects = new Map<Share, Level[]>();
  #entered = 0;

  constructor(fairness: Fairness) {
    this.#fairness = fairness;
  }

  get isEmpty(): boolean {
    return this.#projects.size === 0;
  }

  /** The step has something to hand out; of one job, those of a higher rank go first. */
  enter(step: StepState, nowMs: number, rank = 0): void {
    if (step.isInLine) return;
    step.isInLine = true;
    step.waitsSinceMs = nowMs;
    this.#fairness.enter(step.share, nowMs);
    const level = this.#level(step);
    const lane = level.lane(step.class);
    lane.place(step, level.turnOf(step.job), { rank, entered: ++this.#entered });
  }

  /** It has nothing more, or may not go on. */
  leave(step: StepState): void {
    if (!step.isInLine) return;
    step.isInLine = false;
    this.#fairness.leave(step.share);
    const levels = this.#projects.get(step.share)!;
    const at = levels.findIndex(({ priority }) => priority === step.priority);
    const level = levels[at]!;
    level.remove(step);
    if (level.lanes.size === 0) levels.splice(at, 1);
    if (levels.length === 0) this.#projects.delete(step.share);
  }

  #level({ share, priority }: StepState): Level {
    let levels = this.#projects.get(share);
    if (!levels) this.#projects.set(share, (levels = []));
    let level = levels.find((other) => other.priority === priority);
    if (!level) {
      level = new Level(priority);
      levels.push(level);
      levels.sort((a, b) => b.priority - a.priority);
    }
    return level;
  }

  /** Projects with something to hand out, the one to serve first at the front. */
  shares(nowMs: number): RankedShare[] {
    const ranked: RankedShare[] = [];
    for (const share of this.#projects.keys()) {
      ranked.push({ share, rank: this.#fairness.rank(share, nowMs) });
    }
    if (ranked.length > 1) ranked.sort(byRank);
    return ranked;
  }

  /** Who would be served first of those that `could` be: each stands for all behind it. */
  foremost(nowMs: number, could: (step: StepState) => boolean): StepState | undefined {
    for (const { share } of this.shares(nowMs)) {
      for (const level of this.#projects.get(share)!) {
        let best: JobInLane | undefined;
        for (const lane of level.lanes.values()) {
          const job = lane.head();
          if ((!best || isBefore(job, best)) && could(job.steps[0]!)) best = job;
        }
        if (best) return best.steps[0];
      }
    }
    return undefined;
  }

  /** The job of a step that is in line takes its turn without having been asked for. */
  serve(step: StepState): void {
    const level = this.#level(step);
    level.serve(level.lane(step.class).jobOf(step.job)!);
  }

  /** Tasks that could be handed out now. */
  get waiting(): number {
    let tasks = 0;
    for (const levels of this.#projects.values()) {
      for (const { lanes } of levels) for (const lane of lanes.values()) tasks += lane.waiting;
    }
    return tasks;
  }

  /** The first step of every lane: each stands for all behind it. */
  *heads(): Generator<StepState> {
    for (const levels of this.#projects.values()) {
      for (const { lanes } of levels) {
        for (const lane of lanes.values()) yield lane.head().steps[0]!;
      }
    }
  }

  /**
   * The step of that project whose turn it is, among those for which `room` says that the machine
   * has some. The first one that is turned away, in the order of the line, is told to `passed`; not
   * one for which `room` says undefined, as no machine has any for it now. One that `waits` for another
   * machine is passed by, and nobody behind it waits with it. With `reservedFor`, only steps of that job.
   */
  next(
    share: Share,
    fits: (taskClass: TaskClass) => boolean,
    room: (step: StepState) => number | undefined,
    passed: (step: StepState) => void,
    {
      waits,
      reservedFor,
    }: { waits: (step: StepState) => boolean; reservedFor?: string | undefined },
  ): Turn | undefined {
    for (const level of this.#projects.get(share) ?? []) {
      let best: JobInLane | undefined;
      let bestStep: StepState | undefined;
      let turnedAway: JobInLane | undefined;
      let tasks = 0;
      for (const lane of level.lanes.values()) {
        if (!fits(lane.taskClass)) continue;
        let job = reservedFor === undefined ? lane.head() : lane.jobOf(reservedFor);
        if (!job || (best && !isBefore(job, best))) continue;
        let step = job.steps[0]!;
        if (waits(step)) {
          const other = lane.behind(waits, reservedFor);
          if (!other) continue;
          step = other;
          job = lane.jobOf(step.job)!;
        }
        const has = room(step);
        if (has === undefined) continue;
        if (has > 0) {
          best = job;
          bestStep = step;
          tasks = has;
        } else if (!turnedAway || isBefore(job, turnedAway)) {
          turnedAway = job;
        }
      }
      if (turnedAway && (!best || isBefore(turnedAway, best))) passed(turnedAway.steps[0]!);
      if (best) {
        const isAlone = this.#projects.size === 1 && level.jobs === 1;
        return { step: bestStep!, tasks, isAlone, take: () => level.serve(best) };
      }
    }
    return undefined;
  }
}

export interface RankedShare {
  share: Share;
  rank: number;
}

export interface Turn {
  step: StepState;
  /** So many of its tasks have room. */
  tasks: number;
  /** No other job of any project waits in this line. */
  isAlone: boolean;
  /** It takes its turn: the other jobs come before it now. */
  take: () => void;
}

function byRank(a: RankedShare, b: RankedShare): number {
  return a.rank - b.rank;
}

/** Jobs that were served longer ago go first; within a job, steps of a higher rank, then those that came earlier. */
function isBefore(a: JobInLane, b: JobInLane): boolean {
  if (a.turn.served !== b.turn.served) return a.turn.served < b.turn.served;
  const [first, second] = [a.places[0]!, b.places[0]!];
  if (a.turn === b.turn && first.rank !== second.rank) return first.rank > second.rank;
  return first.entered < second.entered;
}

/** When a job was last served: shared by its places in all lanes of a level. */
interface JobTurn {
  served: number;
  lanes: number;
}

/** Jobs of one project and one priority. */
class Level {
  readonly priority: number;
  readonly lanes = new Map<TaskClass, Lane>();
  #turns = new Map<string, JobTurn>();
  #served = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

  get jobs(): number {
    return this.#turns.size;
  }

  lane(taskClass: TaskClass): Lane {
    let lane = this.lanes.get(taskClass);
    if (!lane) this.lanes.set(taskClass, (lane = new Lane(taskClass)));
    return lane;
  }

  turnOf(job: string): JobTurn {
    let turn = this.#turns.get(job);
    // a job that comes late gets no more than those that are here: it counts as served just now
    if (!turn) this.#turns.set(job, (turn = { served: this.#served, lanes: 0 }));
    return turn;
  }

  serve(job: JobInLane): void {
    job.turn.served = ++this.#served;
  }

  remove(step: StepState): void {
    const lane = this.lanes.get(step.class)!;
    const turn = lane.remove(step);
    if (turn.lanes === 0) this.#turns.delete(step.job);
    if (lane.isEmpty) this.lanes.delete(step.class);
  }
}

interface JobInLane extends Link<JobInLane> {
  readonly job: string;
  readonly turn: JobTurn;
  /** `turn.served` when it took its place in this lane. */
  placed: number;
  /** Those of the highest rank first, and of equal ones in the order they came; `places` beside them says which. */
  readonly steps: StepState[];
  readonly places: Place[];
}

interface Place {
  readonly rank: number;
  readonly entered: number;
}

/** Steps that are looked at behind one that waits for another machine. */
const behindTriedMax = 64;

/** Jobs with tasks of one class, the one served longest ago at the front. */
class Lane {
  readonly taskClass: TaskClass;
  #jobs = new Map<string, JobInLane>();
  #line = new Chain<JobInLane>();

  constructor(taskClass: TaskClass) {
    this.taskClass = taskClass;
  }

  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  place(step: StepState, turn: JobTurn, place: Place): void {
    let job = this.#jobs.get(step.job);
    if (!job) {
      job = {
        job: step.job,
        turn,
        placed: turn.served,
        steps: [],
        places: [],
        before: undefined,
        after: undefined,
      };
      this.#jobs.set(step.job, job);
      this.#line.push(job);
      turn.lanes++;
    }
    const { places, steps } = job;
    let at = places.length;
    while (at > 0 && places[at - 1]!.rank < place.rank) at--;
    steps.splice(at, 0, step);
    places.splice(at, 0, place);
  }

  remove(step: StepState): JobTurn {
    const job = this.#jobs.get(step.job)!;
    const at = job.steps.indexOf(step);
    job.steps.splice(at, 1);
    job.places.splice(at, 1);
    if (job.steps.length === 0) {
      this.#jobs.delete(step.job);
      this.#line.drop(job);
      job.turn.lanes--;
    }
    return job.turn;
  }

  jobOf(job: string): JobInLane | undefined {
    return this.#jobs.get(job);
  }

  /** The first step, or the first of that job, that does not wait; of a lane in which many do not all are looked at. */
  behind(waits: (step: StepState) => boolean, job?: string): StepState | undefined {
    let tries = 0;
    for (const { job: name, steps } of this.#line) {
      if (job !== undefined && job !== name) continue;
      for (const step of steps) {
        if (!waits(step)) return step;
        if (++tries === behindTriedMax) return undefined;
      }
    }
    return undefined;
  }

  get waiting(): number {
    let tasks = 0;
    for (const { steps } of this.#jobs.values()) {
      for (const step of steps) tasks += step.available;
    }
    return tasks;
  }

  /** Jobs that were served since they took their place, here or in another lane, go to the end first. */
  head(): JobInLane {
    for (;;) {
      const job = this.#line.first!;
      if (job.placed === job.turn.served) return job;
      job.placed = job.turn.served;
      this.#line.drop(job);
      this.#line.push(job);
    }
  }
}
