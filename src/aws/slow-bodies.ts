import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

/**
 * Cuts off who promises a body and lets it drip. Only those are meant that we wait for: a body that we ourselves are slow to read
 * has bytes lying ready. Of each connection the last request is known, so that none is kept longer than the next one.
 */
export class SlowBodies {
  #clock: Clock;
  #watched = new Map<
    Socket,
    { request: IncomingMessage; response: ServerResponse; bytesRead: number }
  >();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(request: IncomingMessage, response: ServerResponse): void {
    const { headers } = request;
    const length = headers["content-length"];
    if (headers["transfer-encoding"] === undefined && (length === undefined || length === "0"))
      return;
    const { socket } = request;
    this.#watched.set(socket, { request, response, bytesRead: socket.bytesRead });
    this.#timer ??= this.#clock.after(limits.bodyLookMs, () => this.#look(), true);
  }

  close(): void {
    this.#timer?.cancel();
    this.#watched.clear();
  }

  #look(): void {
    this.#timer = undefined;
    for (const [socket, watched] of this.#watched) {
      const { request, bytesRead } = watched;
      if (request.complete || socket.destroyed) {
        this.#watched.delete(socket);
        continue;
      }
      const isOurs = request.readableLength > 0;
      if (!isOurs && socket.bytesRead - bytesRead < limits.bodyBytesMin) {
        this.#watched.delete(socket);
        cutOff(request, watched.response);
      } else watched.bytesRead = socket.bytesRead;
    }
    if (this.#watched.size > 0)
      this.#timer = this.#clock.after(limits.bodyLookMs, () => this.#look(), true);
  }
}

/** Says why, where nothing was said yet; the end of the connection ends what reads the body. */
function cutOff(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) return void request.destroy();
  response.writeHead(400, { "content-type": "application/xml", connection: "close" });
  response.end(timeout);
}

const timeout =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>RequestTimeout</Code><Message>Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.</Message></Error>';
