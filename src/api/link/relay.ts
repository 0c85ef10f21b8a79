import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { FromCloud } from "#/model/wire.ts";

/** One agent's open link, as others here need it. */
export interface OpenLink {
  send(message: FromCloud): void;
  cut(reason: string): void;
}

interface Waiting {
  machine: string;
  resolve(content: Buffer): void;
  reject(error: CanopyError): void;
}

/** Which agents are here, and what was asked of them by their link. */
export class Relay {
  #links = new Map<string, OpenLink>();
  #waiting = new Map<number, Waiting>();
  #number = 0;
  #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the place of an older link of that machine, which is cut. */
  add(machine: string, link: OpenLink): void {
    this.#links.get(machine)?.cut("this machine has opened another link");
    this.#links.set(machine, link);
  }

  remove(machine: string, link: OpenLink): void {
    if (this.#links.get(machine) !== link) return;
    this.#links.delete(machine);
    for (const [request, waiting] of this.#waiting) {
      if (waiting.machine === machine) this.#settle(request, undefined, gone(machine));
    }
  }

  cut(machine: string, reason: string): void {
    this.#links.get(machine)?.cut(reason);
  }

  close(reason: string): void {
    for (const link of this.#links.values()) link.cut(reason);
  }

  /** A segment that `machine` keeps. Throws "not-found" when it has none, "unavailable" when it is not here, "limited" and "timeout". */
  fetch(machine: string, segment: string): Promise<Buffer> {
    const link = this.#links.get(machine);
    if (!link) return Promise.reject(gone(machine));
    const open = [...this.#waiting.values()].filter(
      (waiting) => waiting.machine === machine,
    ).length;
    if (open >= limits.relaysMax) {
      return Promise.reject(
        new CanopyError(
          "limited",
          `Cannot ask '${machine}' for another segment as ${limits.relaysMax} are on their way`,
          { retryAfterMs: 100 },
        ),
      );
    }
    const request = ++this.#number;
    return new Promise<Buffer>((resolve, reject) => {
      const timer = this.#clock.after(
        limits.relayMs,
        () =>
          this.#settle(
            request,
            undefined,
            new CanopyError(
              "timeout",
              `Cannot read the segment ${segment} as '${machine}' did not give it in ${limits.relayMs} ms`,
            ),
          ),
        true,
      );
      this.#waiting.set(request, {
        machine,
        resolve: (content) => (timer.cancel(), resolve(content)),
        reject: (error) => (timer.cancel(), reject(error)),
      });
      link.send({ type: "fetch", request, segment });
    });
  }

  /** An agent's answer: base64, or none when the segment is gone. Only the machine that was asked is believed. */
  answered(machine: string, request: number, content: string | undefined): void {
    if (this.#waiting.get(request)?.machine !== machine) return;
    this.#settle(
      request,
      content,
      new CanopyError(
        "not-found",
        `Cannot read that segment as '${machine}' does not have it any more`,
      ),
    );
  }

  #settle(request: number, content: string | undefined, error: CanopyError): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (content === undefined) waiting?.reject(error);
    else waiting?.resolve(Buffer.from(content, "base64"));
  }
}

function gone(machine: string): CanopyError {
  return new CanopyError(
    "unavailable",
    `Cannot reach the machine '${machine}' as it is not connected`,
    { hint: "canopy machines" },
  );
}
