import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "#/base/errors.ts";
import type { AwsParts } from "./parts.ts";
import { RequestIds } from "./request-ids.ts";
import { SlowBodies } from "./slow-bodies.ts";

/** The door of the AWS services, behind a port that someone else opens. Costs nothing until it is first asked. */
export class AwsDoor {
  #parts: AwsParts;
  #ids: RequestIds;
  #slow: SlowBodies;
  #answer: typeof import("./answer.ts").answer | undefined;

  constructor(parts: AwsParts) {
    this.#parts = parts;
    this.#ids = new RequestIds(parts.random);
    this.#slow = new SlowBodies(parts.clock);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    request.on("error", nothing);
    response.on("error", nothing);
    this.#slow.watch(request, response);
    const answering = this.#answer
      ? this.#answer(this.#parts, this.#ids, request, response)
      : this.#first(request, response);
    answering.catch((thrown: unknown) => {
      this.#parts.log.error("a call of the AWS door was not answered", {
        error: messageOf(thrown),
      });
      response.destroy();
    });
  }

  close(): void {
    this.#slow.close();
  }

  /** Loads what answers. */
  async #first(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { answer } = await import("./answer.ts");
    this.#answer = answer;
    await answer(this.#parts, this.#ids, request, response);
  }
}

/** Who went away is told nothing. */
const nothing = () => {};
