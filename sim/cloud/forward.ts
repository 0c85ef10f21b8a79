import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Forward } from "#/base/forward.ts";
import { messageOf } from "#/base/errors.ts";
import type { Link, Network } from "#/base/network.ts";
import type { Answer, Asked } from "../world/exchange.ts";

/** A request as the door's own parts read one of Node's. */
export function incoming({ method, path, headers, body }: Asked, url: string): IncomingMessage {
  return {
    method,
    url: path,
    headers,
    routeOptions: { url },
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(body);
    },
  } as unknown as IncomingMessage;
}

/** Takes the place of a response of Node's. */
export class Outgoing {
  readonly headers: Record<string, string> = {};
  answer: Answer | undefined;

  setHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  asResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

/** Takes the place of the socket of a link that is handed on. */
export class Handed {
  /** The link to who leads, or the status of a refusal. */
  readonly met: Promise<Link | number>;
  #met = Promise.withResolvers<Link | number>();

  constructor() {
    this.met = this.#met.promise;
  }

  /** A refusal, as HTTP writes it. */
  end(text: string): void {
    this.#met.resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 503));
  }

  join(link: Link): void {
    this.#met.resolve(link);
  }

  asSocket(): Duplex {
    return this as unknown as Duplex;
  }
}

/** Hands requests and links on, over the simulated network. */
export function simForward(network: Network): Forward {
  return {
    async request({ request, response, body, to, headers, signal, onHead }) {
      const own = request.headers as Record<string, string>;
      try {
        const answer = await network.request({
          method: request.method ?? "GET",
          url: `${to}${request.url ?? "/"}`,
          headers: { ...own, ...headers },
          ...(body && { body }),
          signal,
        });
        if (!(await onHead(answer.headers))) return "refused";
        const whole = Buffer.concat(await Array.fromAsync(answer.body));
        const outgoing = response as unknown as Outgoing;
        outgoing.answer = { status: answer.status, headers: answer.headers, body: whole };
        return "answered";
      } catch (thrown) {
        return wasReached(thrown) ? "unanswered" : "refused";
      }
    },
    async upgrade({ request, socket, to, headers, signal }) {
      const url = `${to.replace("http:", "ws:")}${request.url ?? "/"}`;
      const own = request.headers as Record<string, string>;
      let link: Link;
      try {
        link = await network.dial(url, { ...own, ...headers });
      } catch {
        return "refused";
      }
      signal.addEventListener("abort", () => link.close("another leads"), { once: true });
      (socket as unknown as Handed).join(link);
      return "answered";
    },
  };
}

/** Whether the other side may have had it. */
function wasReached(thrown: unknown): boolean {
  return !/ECONNREFUSED|EHOSTUNREACH/.test(messageOf(thrown));
}

/** Makes two links one. */
export function join(one: Link, other: Link): void {
  one.onClose = (reason) => other.close(reason);
  other.onClose = (reason) => one.close(reason);
  one.onMessage = (text) => other.send(text);
  other.onMessage = (text) => one.send(text);
}
