import type { Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError, messageOf, type ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { StartThread, Thread } from "#/base/threads.ts";
import type { Offer } from "#/model/site.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Space } from "#/space/space.ts";
import type { AddedMachines, WhatIf } from "./change.ts";
import type { Errand, Errands } from "./errand.ts";
import type { ForecastOptions } from "./forecast.ts";
import { takeMoment, type Moment } from "./moment.ts";
import { sendParcels, type Parcel } from "./parcels.ts";
import { recordingOf } from "./recording.ts";
import { hasRules, type Tried } from "./tried.ts";

/** What is said to the thread: an errand in pieces, then that it is whole. */
export type ToThread = { parcel: Parcel } | { isWhole: true };
export type FromThread =
  | { answer: unknown }
  | { error: { message: string; code: ErrorCode | undefined; hint: string | undefined } };

export interface ForecasterParts {
  space: Space;
  scheduler: Scheduler;
  clock: Clock;
  knowledge: Knowledge;
  /** What sites would give now. */
  offers: () => readonly Offer[];
  startThread: StartThread;
  /** The module that answers on the thread. */
  program: URL;
}

/** Has forks run on a thread of their own, one errand after the other; the thread ends when nobody asks any more. */
export class Forecaster {
  #parts: ForecasterParts;
  #thread: Thread | undefined;
  #idle: Timer | undefined;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #answered: PromiseWithResolvers<unknown> | undefined;

  constructor(parts: ForecasterParts) {
    this.#parts = parts;
  }

  /** What will become of every job that has not ended. Throws "limited" when too many ask at once. */
  forecast(options: ForecastOptions): Promise<Errands["forecast"]> {
    return this.#inTurn(async () =>
      this.#run({ type: "forecast", moment: await this.#moment(), options }),
    );
  }

  /** The same, and what would become of them after a change. Throws what `changed` throws. */
  whatIf(change: WhatIf, options: ForecastOptions): Promise<Errands["what-if"]> {
    return this.#inTurn(async () =>
      this.#run({
        type: "what-if",
        moment: await this.#moment(change.policy !== undefined && hasRules(change.policy)),
        options,
        change: { ...change, add: change.add.map((one) => this.#resolved(one)) },
      }),
    );
  }

  /** "SITE/OFFER", or an offer's own name, means that offer; anything else a machine or a site, and so what is cheapest there. */
  #resolved(added: AddedMachines): AddedMachines {
    const { like } = added;
    const offers = like === undefined ? [] : this.#parts.offers();
    const offer =
      offers.find(({ site, name }) => `${site}/${name}` === like) ??
      offers.find(({ name }) => name === like);
    if (offer) return { ...added, offer };
    const [ofSite] = offers
      .filter(({ site }) => site === like)
      .toSorted((a, b) => microsPerCpu(a) - microsPerCpu(b));
    return ofSite ? { ...added, ofSite } : added;
  }

  /** What was submitted since an instant, run again on the machines that there are, under each of these policies. */
  replay(
    since: number,
    policies: readonly Tried[],
  ): Promise<Errands["replay"] & { leftOut: number }> {
    return this.#inTurn(async () => {
      const recording = await recordingOf(this.#parts.space, since, await this.#moment(true));
      const found = await this.#run({ type: "replay", recording, policies });
      return { ...found, leftOut: recording.leftOut };
    });
  }

  stop(): void {
    this.#idle?.cancel();
    this.#thread?.end();
    this.#thread = undefined;
    this.#answered?.reject(new CanopyError("unavailable", "Cannot forecast as Canopy is stopping"));
  }

  #moment(withAutonomy = false): Promise<Moment> {
    return takeMoment({ ...this.#parts, withAutonomy });
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    if (this.#waiting >= limits.forecastsWaitingMax) {
      throw new CanopyError(
        "limited",
        `Cannot forecast as at most ${limits.forecastsWaitingMax} may wait: as many do`,
        { retryAfterMs: limits.forecastMs },
      );
    }
    this.#waiting++;
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => {});
    return turn.finally(() => this.#waiting--);
  }

  async #run<E extends Errand>(errand: E): Promise<Errands[E["type"]]> {
    this.#idle?.cancel();
    const { clock } = this.#parts;
    const answered = Promise.withResolvers<unknown>();
    this.#answered = answered;
    const thread = (this.#thread ??= this.#start());
    const send = (message: ToThread) => thread.send(message);
    await sendParcels(errand, (parcel) => send({ parcel }), clock);
    send({ isWhole: true });
    try {
      return (await answered.promise) as Errands[E["type"]];
    } finally {
      this.#answered = undefined;
      this.#idle = clock.after(limits.forecastThreadIdleMs, () => this.stop(), true);
    }
  }

  #start(): Thread {
    const { startThread, program } = this.#parts;
    return startThread(program, {
      said: (message) => this.#heard(message as FromThread),
      failed: (thrown) => {
        this.#thread = undefined;
        this.#answered?.reject(
          new CanopyError("unavailable", `Cannot forecast: ${messageOf(thrown)}`),
        );
      },
    });
  }

  #heard(message: FromThread): void {
    if ("answer" in message) return this.#answered?.resolve(message.answer);
    const { message: text, code, hint } = message.error;
    const options = hint === undefined ? {} : { hint };
    this.#answered?.reject(code ? new CanopyError(code, text, options) : new Error(text));
  }
}

/** What is unknown comes last. */
function microsPerCpu({ microsPerHour, capacity }: Offer): number {
  return microsPerHour === undefined ? Number.MAX_VALUE : microsPerHour / capacity.milliCpus;
}
