import { Chain, type Link } from "./chain.ts";
import type { StepState } from "./state.ts";
import type { TaskClass } from "./task-class.ts";

/** Jobs that were served longer ago go first; within a job, steps of a higher rank, then those that came earlier. */
export function isBefore(a: Standing, b: Standing): boolean {
  const [one, other] = [a.job.turn, b.job.turn];
  if (one.served !== other.served) return one.served < other.served;
  if (one === other && a.place.rank !== b.place.rank) return a.place.rank > b.place.rank;
  return a.place.entered < b.place.entered;
}

/** A step in line, and where it stands. */
export interface Standing {
  readonly job: JobInLane;
  readonly step: StepState;
  readonly place: Place;
}

const standingOf = (job: JobInLane, at = 0): Standing => ({
  job,
  step: job.steps[at]!,
  place: job.places[at]!,
});

/** When a job was last served: shared by its places in all lanes of a level. */
interface JobTurn {
  served: number;
  lanes: number;
}

/** Jobs of one project and one priority. */
export class Level {
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

export interface JobInLane extends Link<JobInLane> {
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
export class Lane {
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
    const at = placeOf(place.rank, places);
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

  /** Who is first in line, or the first of that job. */
  first(job?: string): Standing | undefined {
    const first = job === undefined ? this.head() : this.#jobs.get(job);
    return first && standingOf(first);
  }

  /** The first step, or the first of that job, that does not wait; of a lane in which many do not all are looked at. */
  behind(waits: (step: StepState) => boolean, job?: string): Standing | undefined {
    let tries = 0;
    for (const standing of this.all(job)) {
      if (!waits(standing.step)) return standing;
      if (++tries === behindTriedMax) return undefined;
    }
    return undefined;
  }

  /** In line, all of them or those of one job. */
  *all(job?: string): Generator<Standing> {
    const own = job === undefined ? undefined : this.#jobs.get(job);
    for (const one of job === undefined ? this.#line : own ? [own] : [])
      for (let at = 0; at < one.steps.length; at++) yield standingOf(one, at);
  }

  /** Whether those in it begin all at once: a gang is of a class of its own. */
  get isOfGangs(): boolean {
    return this.head().steps[0]!.gang !== undefined;
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

/** Behind all of at least the same rank. */
function placeOf(rank: number, places: readonly Place[]): number {
  let from = 0;
  let to = places.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (places[middle]!.rank < rank) to = middle;
    else from = middle + 1;
  }
  return from;
}
