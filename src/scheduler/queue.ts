import type { Fairness, Share } from "./fairness.ts";
import { isBefore, Level, type Standing } from "./lane.ts";
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

  /** Who would be served first of those that `could` be. The head of a lane stands for all behind it, but for gangs: each may have machines of its own. */
  foremost(nowMs: number, could: (step: StepState) => boolean): StepState | undefined {
    for (const { share } of this.shares(nowMs)) {
      for (const level of this.#projects.get(share)!) {
        let best: Standing | undefined;
        for (const lane of level.lanes.values()) {
          const standings = lane.isOfGangs ? lane.all() : [lane.first()!];
          for (const standing of standings)
            if ((!best || isBefore(standing, best)) && could(standing.step)) best = standing;
        }
        if (best) return best.step;
      }
    }
    return undefined;
  }

  /** The gangs in line, one lane after the other: those of one project and priority that are as large and ask for the same. */
  *gangs(): Generator<StepState[]> {
    for (const levels of this.#projects.values()) {
      for (const { lanes } of levels) {
        for (const lane of lanes.values())
          if (lane.isOfGangs) yield [...lane.all()].map(({ step }) => step);
      }
    }
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
   * one for which `room` says undefined, as no machine has any for it now. One that `waits` for something
   * other than room is passed by, and nobody behind it waits with it. With `reservedFor`, only steps of that job.
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
      let best: Standing | undefined;
      let turnedAway: Standing | undefined;
      let tasks = 0;
      for (const lane of level.lanes.values()) {
        if (!fits(lane.taskClass)) continue;
        let next = lane.first(reservedFor);
        if (!next || (best && !isBefore(next, best))) continue;
        if (waits(next.step)) {
          next = lane.behind(waits, reservedFor);
          if (!next || (best && !isBefore(next, best))) continue;
        }
        const has = room(next.step);
        if (has === undefined) continue;
        if (has > 0) {
          best = next;
          tasks = has;
        } else if (!turnedAway || isBefore(next, turnedAway)) {
          turnedAway = next;
        }
      }
      if (turnedAway && (!best || isBefore(turnedAway, best))) passed(turnedAway.step);
      if (best) {
        const { job, step } = best;
        const isAlone = this.#projects.size === 1 && level.jobs === 1;
        return { step, tasks, isAlone, take: () => level.serve(job) };
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
