import { limits } from "#/base/limits.ts";
import { topologicalOrder } from "#/model/graph.ts";
import { hasStepEnded } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";

/** How long tasks of a title take in a project, in milliseconds; undefined when nobody knows. */
export type ExpectedMs = (project: string, title: string, job: string) => number | undefined;

/**
 * Which steps of a job go first: of each, the longest way from its start to the end of the job, so that what
 * others wait for longest begins first (the upward rank of H. Topcuoglu et al., IEEE TPDS 13(3), 2002); or their
 * places in the order that its plan found to be better. Steps of
 * a job in which none waits for another all have the same, and go in the order in which they came.
 */
export class Ranks {
  #space: Pick<Space, "get" | "list">;
  #expectedMs: ExpectedMs;
  #jobs = new Map<string, JobRanks>();

  constructor(space: Pick<Space, "get" | "list">, expectedMs: ExpectedMs) {
    this.#space = space;
    this.#expectedMs = expectedMs;
  }

  /** The higher goes first; 0 in jobs in which no step waits for another. */
  of(job: string, step: string): number {
    const { steps = 0 } = this.#space.get("job", job)?.status ?? {};
    let ranks = this.#jobs.get(job);
    // Run times become known with time, and steps are added: looking again now and then is soon enough.
    const isOld = !ranks || steps > ranks.steps * (9 / 8) || ranks.asked >= 2 * ranks.askedThen;
    if (isOld) {
      const asked = ranks?.asked ?? 1;
      ranks = { steps, askedThen: asked, asked, ms: this.#ranksOf(job, steps) };
      this.#jobs.set(job, ranks);
    }
    ranks!.asked++;
    return ranks!.ms.get(step) ?? 0;
  }

  forget(job: string): void {
    this.#jobs.delete(job);
  }

  #ranksOf(job: string, count: number): ReadonlyMap<string, number> {
    if (count < 2 || count > limits.rankedStepsMax) return none;
    const after = new Map<string, readonly string[]>();
    const titles = new Map<string, string>();
    const names = new Map<string, string>();
    let project = "";
    let isOrdered = false;
    for (const record of this.#space.list("step", job)) {
      project = record.project;
      if (hasStepEnded(record)) continue;
      after.set(record.name, record.spec.after);
      titles.set(record.name, record.spec.title);
      names.set(record.name, record.spec.name);
      isOrdered ||= record.spec.after.length > 0;
    }
    if (!isOrdered) return none;
    const planned = this.#space.get("job", job)?.spec.goal?.order;
    if (planned) return byPlace(planned, names);
    const ownMs = this.#meansOf(project, job, new Set(titles.values()));
    const ranks = new Map<string, number>();
    for (const name of topologicalOrder(after).reverse()) {
      const ms = (ranks.get(name) ?? 0) + ownMs.get(titles.get(name)!)!;
      ranks.set(name, ms);
      for (const before of after.get(name)!)
        if (after.has(before)) ranks.set(before, Math.max(ranks.get(before) ?? 0, ms));
    }
    return ranks;
  }

  /** By title; one of which nothing is known takes as long as the others do, in the mean. */
  #meansOf(project: string, job: string, titles: ReadonlySet<string>): Map<string, number> {
    const known = new Map<string, number>();
    for (const title of titles) {
      const ms = this.#expectedMs(project, title, job);
      if (ms !== undefined) known.set(title, ms);
    }
    const sumMs = known.values().reduce((sum, ms) => sum + ms, 0);
    const usualMs = known.size > 0 ? sumMs / known.size : 1;
    return new Map([...titles].map((title) => [title, known.get(title) ?? usualMs]));
  }
}

/** What its plan begins first goes first; steps that it does not know of come last. */
function byPlace(
  planned: readonly string[],
  names: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const ranks = new Map(planned.map((name, place) => [name, planned.length - place]));
  return new Map([...names].map(([step, name]) => [step, ranks.get(name) ?? 0]));
}

interface JobRanks {
  readonly steps: number;
  readonly ms: ReadonlyMap<string, number>;
  /** How often they were asked for in all, and when they were made. */
  asked: number;
  readonly askedThen: number;
}

const none: ReadonlyMap<string, number> = new Map();
