import { isPlanned } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { heldBy, type Capacity, type Needs } from "#/model/needs.ts";
import { isComing } from "#/model/order.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";
import { classOf } from "#/model/needs.ts";
import { beliefOf } from "#/planning/mix/beliefs.ts";
import { limits } from "#/base/limits.ts";
import type { Space } from "#/space/space.ts";
import { briefDuration } from "#/model/units.ts";
import type { ArrivedStep } from "../knowledge/arrivals.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import { partOf, type Busy, type WaitingKind } from "./starts.ts";
import type { Ages } from "./watch.ts";

/** What the scheduler knows of this moment. */
export interface FleetField {
  machines(): { machine: string; connected: boolean; running: number; free: Capacity }[];
  leases(): { task: string; machine: string; since: number }[];
  waiting(): { step: string; tasks: number }[];
}

/** A task under way on a machine. */
interface UnderWay {
  readonly needs: Needs;
  readonly driver: string;
  readonly leftMs: number;
}

interface Parts {
  space: Pick<Space, "get" | "all">;
  field: FleetField;
  knowledge: Pick<Knowledge, "seen" | "recurring">;
  ages: Ages;
  /** Run times that were asked for lately, by job and title. */
  believed: Map<string, { atMs: number; runMs: number }>;
  /** The wall clock, on which tasks began, and the one that nobody sets. */
  now: number;
  nowMs: number;
}

/** What runs and what waits at one moment, read once for all projects. */
export class Reading {
  readonly machines: ReturnType<FleetField["machines"]>;
  #parts: Parts;
  #waiting = new Map<string, { step: StepRecord; tasks: number }[]>();
  #leases: ReadonlyMap<string, { task: string; since: number }[]>;
  #ranMs = new Map<string, number[]>();
  /** Jobs for which machines of their own are on their way: what waits of them waits for those. */
  #bought = new Set<string>();
  #like = new Map<string, { needs: Needs; driver: string; runMs: number } | undefined>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { space, field, now } = parts;
    this.machines = field.machines();
    const leases = field.leases();
    this.#leases = Map.groupBy(leases, ({ machine }) => machine);
    for (const { task, since } of leases) {
      const step = stepOfTask(task);
      const ran = this.#ranMs.get(step);
      if (ran) ran.push(Math.max(0, now - since));
      else this.#ranMs.set(step, [Math.max(0, now - since)]);
    }
    for (const order of space.all("order"))
      if (order.spec.job !== undefined && isComing(order)) this.#bought.add(order.spec.job);
    const seen = new Set<string>();
    for (const { step: name, tasks } of field.waiting()) {
      const step = space.get("step", name);
      if (!step) continue;
      seen.add(name);
      const of = this.#waiting.get(step.project);
      if (of) of.push({ step, tasks });
      else this.#waiting.set(step.project, [{ step, tasks }]);
    }
    parts.ages.keep(seen);
  }

  /** Projects of which something waits. */
  get projects(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** Jobs of a project of which something waits: those whose machines a plan bought, and those without one. */
  jobs(project: string): { planned: number; others: number } {
    const jobs = new Set((this.#waiting.get(project) ?? []).map(({ step }) => jobOf(step.name)));
    const planned = [...jobs].filter((job) => this.#isPlanned(job)).length;
    return { planned, others: jobs.size - planned };
  }

  /** What waits of a project's jobs that have no plan of their own, nor machines that are on their way for them. */
  kinds(project: string, waitMsMax: number): WaitingKind[] {
    const parts = (this.#waiting.get(project) ?? [])
      .map(({ step, tasks }) => ({ step, tasks, job: jobOf(step.name) }))
      .filter(({ job }) => !this.#isPlanned(job) && !this.#bought.has(job))
      .map(({ step, tasks }) => this.#kindOf(step, tasks, waitMsMax));
    const titled = joined(parts, ({ kind }) => kind, waitMsMax);
    return titled.length <= limits.fleetKindsMax ? titled : joined(parts, () => "", waitMsMax);
  }

  /** What is expected of a project's jobs that come at equal distances. */
  expected(project: string): WaitingKind[] {
    const { knowledge, now } = this.#parts;
    return knowledge
      .recurring()
      .filter((job) => job.project === project)
      .flatMap(({ title, at, offMs, everyMs, times, steps }) => {
        const every = briefDuration(everyMs);
        const why = `the job '${title}' has come ${times} times, every ${every}, and is expected at ${new Date(at).toISOString()}`;
        const expected = { inMs: at - now, offMs, why };
        return steps
          .filter(({ tasks, spec }) => tasks > 0 && spec.after.length === 0)
          .map((step) => this.#expectedOf(step, project, expected));
      });
  }

  #expectedOf(
    { spec, tasks }: ArrivedStep,
    project: string,
    expected: NonNullable<WaitingKind["expected"]>,
  ): WaitingKind {
    const observed = this.#parts.knowledge.seen(project)(spec.title);
    const runMs = turnMsOf(
      { spec },
      observed ? beliefOf(observed).meanHighMs : limits.fleetUnknownRunMs,
    );
    const oldest = { ageMs: 0, tasks: 0 };
    return { kind: spec.title, ...heldOf({ spec }), tasks, runMs, oldest, expected };
  }

  running(machine: string): UnderWay[] {
    const found: UnderWay[] = [];
    for (const { task, since } of this.#leases.get(machine) ?? []) {
      const like = this.#likeOf(stepOfTask(task));
      if (!like) continue;
      const ranMs = Math.max(0, this.#parts.now - since);
      const leftMs = ranMs < like.runMs ? like.runMs - ranMs : ranMs / 2;
      found.push({ needs: like.needs, driver: like.driver, leftMs });
    }
    return found;
  }

  /** What tasks of a step are like; looked up once for all that run. */
  #likeOf(name: string): { needs: Needs; driver: string; runMs: number } | undefined {
    if (!this.#like.has(name)) {
      const step = this.#parts.space.get("step", name);
      this.#like.set(name, step && { ...heldOf(step), runMs: this.#runMsOf(step) });
    }
    return this.#like.get(name);
  }

  busy(machine: MachineRecord): Busy[] {
    const { capacity } = machine.status;
    return this.running(machine.name).map(({ needs, leftMs }) => ({
      part: partOf(heldBy(needs), capacity),
      leftMs,
    }));
  }

  #isPlanned(job: string): boolean {
    const record = this.#parts.space.get("job", job);
    return record !== undefined && isPlanned(record);
  }

  #kindOf(step: StepRecord, waiting: number, waitMsMax: number): WaitingKind {
    const { offered, total = offered } = step.status;
    const arrived = Math.max(offered, total);
    // A lazy source makes the rest as its tasks are taken.
    const tasks = waiting + (arrived - offered);
    const oldest = this.#parts.ages.look(
      step.name,
      { arrived, waiting: tasks },
      this.#parts.nowMs,
      waitMsMax,
    );
    const runMs = turnMsOf(step, this.#runMsOf(step));
    return { kind: step.spec.title, ...heldOf(step), tasks, runMs, oldest };
  }

  #runMsOf(step: StepRecord): number {
    const { believed, knowledge, nowMs } = this.#parts;
    const job = jobOf(step.name);
    const key = `${job} ${step.spec.title}`;
    const known = believed.get(key);
    if (known && nowMs - known.atMs < limits.fleetSeenMs) return known.runMs;
    const runningMs = this.#ranMs.get(step.name) ?? [];
    const observed = knowledge.seen(step.project)(step.spec.title, { job, runningMs });
    const runMs = observed
      ? beliefOf(observed).meanHighMs
      : // one of which nothing is known runs for as long again as it has
        Math.max(limits.fleetUnknownRunMs, 2 * Math.max(0, ...runningMs));
    believed.set(key, { atMs: nowMs, runMs });
    return runMs;
  }
}

/** How long a slot is taken by a task before the next of its kind: those of a gang begin together, none after another. */
function turnMsOf({ spec }: Pick<StepRecord, "spec">, runMs: number): number {
  return spec.gang ? Infinity : runMs;
}

/** What each task of a step holds of its machine. A durable job's own code only waits. */
function heldOf({ spec }: Pick<StepRecord, "spec">): { needs: Needs; driver: string } {
  const { run, needs } = spec.template;
  const isJob = run.driver === "runner" && run.role === "job";
  const held = heldBy(isJob ? { ...needs, milliCpus: 0 } : needs);
  return { needs: { ...needs, ...held }, driver: run.driver };
}

/** Equal needs, and equal names, as one kind. */
function joined(
  parts: readonly WaitingKind[],
  nameOf: (kind: WaitingKind) => string,
  waitMsMax: number,
): WaitingKind[] {
  const groups = Map.groupBy(
    parts,
    (part) => `${classOf(part.needs, part.driver)} ${part.runMs === Infinity} ${nameOf(part)}`,
  );
  return [...groups.values()].map((group) => {
    const [first] = group as [WaitingKind];
    const tasks = group.reduce((sum, part) => sum + part.tasks, 0);
    const work = group.reduce((sum, part) => sum + part.tasks * part.runMs, 0);
    const ageMs = Math.max(...group.map(({ oldest }) => oldest.ageMs));
    const together = group.filter(
      ({ oldest }) => ageMs - oldest.ageMs <= waitMsMax * limits.fleetTogetherShare,
    );
    const old = together.reduce((sum, { oldest }) => sum + oldest.tasks, 0);
    return { ...first, tasks, runMs: work / tasks, oldest: { ageMs, tasks: old } };
  });
}
