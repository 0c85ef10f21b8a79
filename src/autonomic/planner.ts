import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { messageOf } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import type { StartThread, Thread } from "#/base/threads.ts";
import { planMix, scoreOf, type Mix, type NoMix } from "#/planning/mix/mix.ts";
import type { MixProblem } from "#/planning/mix/problem.ts";

/**
 * What is said to the thread: a mix to make better, or the order of its steps, for so long at most. It answers with
 * one.
 */
export interface Improvement {
  readonly what: "mix" | "order";
  readonly problem: MixProblem;
  readonly mix: Mix;
  readonly forMs: number;
}

export interface PlannerParts {
  clock: Clock;
  log: Log;
  startThread: StartThread;
  /** The module that answers on the thread. */
  program: URL;
}

/** A mix this near its bound is shown as it is. */
const gapMin = 0.005;

/**
 * Plans that are shown to somebody: what `planMix` finds at once, made better by a solver on a thread of its
 * own for a second at most, with the bound that it proves; then the order of a workflow's steps, for a second more.
 * Where the thread fails, does not answer, or has too many to answer, the first mix stands.
 */
export class Planner {
  #parts: PlannerParts;
  #thread: Thread | undefined;
  #idle: Timer | undefined;
  #answered: PromiseWithResolvers<Mix> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  async plan(problem: MixProblem): Promise<Mix | NoMix> {
    const mix = await this.#mixFor(problem);
    const isWorkflow = "counts" in mix && (problem.steps?.length ?? 0) > 2;
    return isWorkflow ? this.#asked({ what: "order", problem, mix }) : mix;
  }

  async #mixFor(problem: MixProblem): Promise<Mix | NoMix> {
    const { objective, budgetMicros = Infinity } = problem.goal;
    const first = planMix(problem);
    if ("counts" in first) return this.#improved(problem, first);
    if (first.reason !== "too-dear") return first;
    // What is a little too dear may be cheaper than it seems.
    const { budgetMicros: _, ...goal } = problem.goal;
    const dear = planMix({ ...problem, goal });
    if (!("counts" in dear) || objective !== "cost" || dear.bound > budgetMicros) return first;
    const cheaper = await this.#improved({ ...problem, goal }, dear);
    const { high } = cheaper.predicted.costMicros;
    return high <= budgetMicros ? cheaper : { ...first, nearestBudgetMicros: Math.ceil(high) };
  }

  stop(): void {
    this.#idle?.cancel();
    this.#thread?.end();
    this.#thread = undefined;
    this.#answered?.reject(new Error("Canopy is stopping"));
  }

  #improved(problem: MixProblem, mix: Mix): Promise<Mix> {
    const { objective } = problem.goal;
    const score = scoreOf(mix.predicted, objective);
    const isChoice = problem.types.some(({ isPresent }) => !isPresent);
    if (objective === "time" || !isChoice || mix.bound >= score * (1 - gapMin))
      return Promise.resolve(mix);
    return this.#asked({ what: "mix", problem, mix });
  }

  /** The mix as it was where the thread fails, or too many wait for it. */
  async #asked(asked: Omit<Improvement, "forMs">): Promise<Mix> {
    if (this.#waiting >= limits.planImproveWaitingMax) return asked.mix;
    this.#waiting++;
    const turn = this.#last.then(() => this.#ask({ ...asked, forMs: limits.planImproveMs }));
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } catch (thrown) {
      this.#parts.log.warn("a plan was not improved", { error: messageOf(thrown) });
      return asked.mix;
    } finally {
      this.#waiting--;
    }
  }

  async #ask(improvement: Improvement): Promise<Mix> {
    this.#idle?.cancel();
    const { clock } = this.#parts;
    const answered = Promise.withResolvers<Mix>();
    this.#answered = answered;
    const thread = (this.#thread ??= this.#start());
    thread.send(improvement);
    const late = clock.after(limits.planAnswerMs, () => this.#giveUp(), true);
    try {
      return await answered.promise;
    } finally {
      late.cancel();
      this.#answered = undefined;
      this.#idle = clock.after(limits.forecastThreadIdleMs, () => this.stop(), true);
    }
  }

  #giveUp(): void {
    this.#thread?.end();
    this.#thread = undefined;
    this.#answered?.reject(new Error(`its solver did not answer in ${limits.planAnswerMs} ms`));
  }

  #start(): Thread {
    const { startThread, program } = this.#parts;
    return startThread(program, {
      said: (message) => this.#answered?.resolve(message as Mix),
      failed: (thrown) => {
        this.#thread = undefined;
        this.#answered?.reject(thrown);
      },
    });
  }
}
