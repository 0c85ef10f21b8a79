import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { sleep, type Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Hall } from "#/base/node/door.ts";

const lookMs = 10;

/**
 * What stands behind a door that stays open while control planes come and go: who was asked answers,
 * and when it is over, it is said to all that it has not answered yet.
 */
export class Front implements Hall {
  #clock: Clock;
  #inside: FastifyInstance | undefined;
  #unanswered = new Set<ServerResponse>();
  #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  enter(server: FastifyInstance): void {
    this.#inside = server;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  /** Nothing is asked of it any more, and nothing more is heard of it. */
  leave(): void {
    this.#inside = undefined;
    for (const response of this.#unanswered) refuse(response);
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
      if (this.#inside) this.#inside.server.emit("upgrade", request, socket, head);
      else socket.destroy();
    };
    if (this.#inside) go();
    else this.#wait(go);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#inside) return refuse(response);
    this.#unanswered.add(response);
    response.once("close", () => this.#unanswered.delete(response));
    this.#inside.server.emit("request", request, response);
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

function refuse(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
  response.end(problem);
}
