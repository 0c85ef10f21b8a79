import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { sleep, type Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Hall } from "#/base/node/door.ts";

const lookMs = 10;

/**
 * What stands behind a door that stays open while control planes come and go: who was asked answers,
 * and when it is over, it is said to all that it has not answered yet.
 */
export class Front implements Hall {
  readonly takesContinue: boolean;
  #clock: Clock;
  #refuse: (response: ServerResponse) => void;
  #inside: Hall | undefined;
  #unanswered = new Set<ServerResponse>();
  #waiting = new Set<() => void>();

  /** `refuse` says "not now" as its clients understand, having been given a response whose head is not sent. */
  constructor(clock: Clock, refuse: (response: ServerResponse) => void, takesContinue = false) {
    this.#clock = clock;
    this.#refuse = refuse;
    this.takesContinue = takesContinue;
  }

  enter(hall: Hall): void {
    this.#inside = hall;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  /** Nothing is asked of it any more, and nothing more is heard of it. */
  leave(): void {
    this.#inside = undefined;
    for (const response of this.#unanswered) this.#end(response);
    this.#unanswered.clear();
  }

  /** Resolves when nobody waits for an answer, or after `durationMs`. Answers that have begun are not waited for. */
  async drained(durationMs: number): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + durationMs;
    const isAwaited = () => [...this.#unanswered].some(({ headersSent }) => !headersSent);
    while (isAwaited() && this.#clock.monotonicMs() < untilMs) await sleep(this.#clock, lookMs);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#inside) return this.#wait(() => this.#answer(request, response));
    this.#answer(request, response);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const go = () => {
      if (this.#inside) this.#inside.upgrade(request, socket, head);
      else socket.destroy();
    };
    if (this.#inside) go();
    else this.#wait(go);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#inside) return this.#end(response);
    this.#unanswered.add(response);
    // It comes once; to listen once would cost more.
    response.on("close", () => this.#unanswered.delete(response));
    this.#inside.request(request, response);
  }

  #end(response: ServerResponse): void {
    if (response.headersSent) response.destroy();
    else this.#refuse(response);
  }

  #wait(action: () => void): void {
    const go = () => {
      timer.cancel();
      this.#waiting.delete(go);
      action();
    };
    const timer = this.#clock.after(limits.leaderWaitMs, go, true);
    this.#waiting.add(go);
  }
}

const problem = JSON.stringify({
  type: "urn:canopy:problem:unavailable",
  title: "Not available now",
  status: 503,
  detail: "Cannot answer as this control plane begins anew",
  code: "unavailable",
  retryAfterMs: 1000,
});

/** To clients of the native door. */
export function refuseNatively(response: ServerResponse): void {
  response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
  response.end(problem);
}
