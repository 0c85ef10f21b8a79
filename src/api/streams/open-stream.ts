import type { FastifyReply } from "fastify";
import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

type Response = FastifyReply["raw"];

const idle = { "text/event-stream": ":\n\n", "application/x-ndjson": "\n" } as const;

/**
 * An answer that goes on. Who writes either waits for `ready()` (a reader sets the pace: results,
 * logs) or looks at `behindBytes` and cuts off who is too far behind (events: the reader comes back
 * with the last id it had).
 */
export class OpenStream {
  #response: Response;
  #clock: Clock;
  #idleText: string;
  #timer: Timer;
  #quiet = true;
  #closed = new AbortController();

  constructor(response: Response, type: keyof typeof idle, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    this.#idleText = idle[type];
    response.writeHead(200, {
      "content-type": type === "text/event-stream" ? `${type}; charset=utf-8` : type,
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
    response.on("close", () => this.#close());
    response.on("error", () => this.#close());
    this.#timer = this.#idleLater();
  }

  /** Aborted when the reader has gone or the stream has ended. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  get behindBytes(): number {
    return this.#response.writableLength;
  }

  get isFull(): boolean {
    return this.#response.writableLength > limits.streamAheadBytesMax;
  }

  write(text: string): void {
    if (this.isClosed || text === "") return;
    this.#quiet = false;
    this.#response.write(text);
  }

  /** One server-sent event. */
  event(name: string, data: unknown, id?: number): void {
    this.write(
      `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`,
    );
  }

  /** Resolves when there is room for more, or nobody reads any more. */
  ready(): Promise<void> {
    if (!this.isFull || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#response.off("drain", done);
        this.#closed.signal.removeEventListener("abort", done);
        resolve();
      };
      this.#response.once("drain", done);
      this.#closed.signal.addEventListener("abort", done);
    });
  }

  end(): void {
    if (!this.isClosed) this.#response.end();
    this.#close();
  }

  cut(): void {
    this.#close();
    this.#response.destroy();
  }

  #close(): void {
    this.#timer.cancel();
    this.#closed.abort();
  }

  #idleLater(): Timer {
    return this.#clock.after(
      limits.streamIdleMs,
      () => {
        if (this.#quiet && this.#response.writableLength === 0)
          this.#response.write(this.#idleText);
        this.#quiet = true;
        this.#timer = this.#idleLater();
      },
      true,
    );
  }
}
