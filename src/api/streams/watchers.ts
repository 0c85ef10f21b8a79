import type { FastifyReply } from "fastify";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { OpenStream } from "./open-stream.ts";

/** The streams that are open: so many and no more, and all of them ended when the door closes. */
export class Watchers {
  #open = new Set<OpenStream>();
  #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Takes the reply over and begins a stream. Throws "limited" when there are too many. */
  open(reply: FastifyReply, type: "text/event-stream" | "application/x-ndjson"): OpenStream {
    if (this.#open.size >= limits.watchersMax) {
      throw new CanopyError(
        "limited",
        `Cannot open another stream as at most ${limits.watchersMax} may be open: current value is ${this.#open.size}`,
        { retryAfterMs: 1000 },
      );
    }
    reply.hijack();
    const stream = new OpenStream(reply.raw, type, this.#clock);
    this.#open.add(stream);
    stream.closed.addEventListener("abort", () => this.#open.delete(stream));
    return stream;
  }

  /** Cuts every stream; who reads one comes back to where it was. */
  close(): void {
    for (const stream of this.#open) stream.cut();
  }
}
