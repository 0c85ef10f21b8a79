import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { Questions, type Refusals } from "#/base/questions.ts";
import type { FromCloud } from "#/model/wire.ts";

/** One agent's open link, as others here need it. */
export interface OpenLink {
  send(message: FromCloud): void;
  cut(reason: string): void;
}

/** Which agents are here, and what was asked of them by their link. */
export class Relay {
  #links = new Map<string, OpenLink>();
  #questions: Questions<string>;

  constructor(clock: Clock) {
    const { relaysMax: openMax, relayMs: patienceMs } = limits;
    this.#questions = new Questions(clock, { openMax, patienceMs });
  }

  /** Takes the place of an older link of that machine, which is cut. */
  add(machine: string, link: OpenLink): void {
    this.#links.get(machine)?.cut("this machine has opened another link");
    this.#links.set(machine, link);
  }

  remove(machine: string, link: OpenLink): void {
    if (this.#links.get(machine) !== link) return;
    this.#links.delete(machine);
    this.#questions.left(machine, gone(machine));
  }

  cut(machine: string, reason: string): void {
    this.#links.get(machine)?.cut(reason);
  }

  close(reason: string): void {
    for (const link of this.#links.values()) link.cut(reason);
  }

  /** A segment that `machine` keeps. Throws "not-found" when it has none, "unavailable" when it is not here, "limited" and "timeout". */
  async fetch(machine: string, segment: string): Promise<Buffer> {
    const link = this.#links.get(machine);
    if (!link) throw gone(machine);
    return this.#questions.ask(machine, refusalsOf(machine, segment), (request) =>
      link.send({ type: "fetch", request, segment }),
    );
  }

  /** An agent's answer: base64, or none when the segment is gone. */
  answered(machine: string, request: number, content: string | undefined): void {
    this.#questions.answered(machine, request, content ?? missing(machine));
  }
}

const refusalsOf = (machine: string, segment: string): Refusals => ({
  full: () =>
    new CanopyError(
      "limited",
      `Cannot ask '${machine}' for another segment as ${limits.relaysMax} are on their way`,
      { retryAfterMs: 100 },
    ),
  late: () =>
    new CanopyError(
      "timeout",
      `Cannot read the segment ${segment} as '${machine}' did not give it in ${limits.relayMs} ms`,
    ),
});

const missing = (machine: string) =>
  new CanopyError(
    "not-found",
    `Cannot read that segment as '${machine}' does not have it any more`,
  );

function gone(machine: string): CanopyError {
  return new CanopyError(
    "unavailable",
    `Cannot reach the machine '${machine}' as it is not connected`,
    { hint: "canopy machines" },
  );
}
