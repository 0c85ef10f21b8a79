import { CanopyError } from "#/base/errors.ts";
import type { Link } from "#/base/network.ts";
import type { End } from "./connection.ts";
import { unavailable } from "./failures.ts";

export interface Asked {
  method: string;
  /** Path and query. */
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Who listens at a port: HTTP, and links. */
export interface Door {
  request(asked: Asked): Promise<Answer>;
  link(headers: Record<string, string>): Promise<Met>;
  /** Takes a connection as it is. */
  accept?(end: End): void;
}

/** How a link is met: taken with `open`, or refused with an HTTP status. */
export type Met = { refused: number } | { open: (link: Link) => void };

const closingMs = 1_000;
const refusals: Record<number, "unauthenticated" | "forbidden"> = {
  401: "unauthenticated",
  403: "forbidden",
};

/** One HTTP call on a connection of its own. `isRepeated` makes it arrive twice; one answer is lost then. */
export function exchange(
  end: End,
  door: Door | undefined,
  asked: Asked,
  isRepeated: boolean,
): Promise<Answer> {
  const url = `http://${end.other.machine.name}/`;
  return new Promise((resolve, reject) => {
    if (!door) return reject(unavailable(url, "ECONNREFUSED"));
    const { other } = end;
    end.onGone = (reason) => reject(unavailable(url, reason));
    end.onPacket = (packet) => {
      resolve(packet as Answer);
      end.isClosed = true;
      other.lost("over");
    };
    let arrivals = 0;
    other.onPacket = () => {
      if (++arrivals > 1) end.connection.net.tally.count("request repeated");
      door.request(asked).then(
        (answer) => other.send(answer, answer.body.byteLength + 200, "answer"),
        (thrown: unknown) => end.connection.net.world.fail(thrown),
      );
    };
    const bytes = asked.body.byteLength + 300;
    end.send(undefined, bytes, "request");
    if (isRepeated) end.send(undefined, bytes, "request");
  });
}

type Frame =
  | { type: "text"; text: string }
  | { type: "open" }
  | { type: "refused"; status: number }
  | { type: "close"; reason: string };

/** Opens a link on a connection. Throws as a real one does when it is refused. */
export function linkOn(
  end: End,
  door: Door,
  headers: Record<string, string>,
  url: string,
): Promise<Link> {
  return new Promise((resolve, reject) => {
    end.onGone = (reason) => reject(unavailable(url, reason));
    end.onPacket = (packet) => {
      const frame = packet as Frame;
      if (frame.type === "refused") {
        end.isClosed = true;
        const code = refusals[frame.status];
        reject(
          code
            ? new CanopyError(code, `Cannot join ${url} as it refused the key`)
            : unavailable(url, `status ${frame.status}`),
        );
        return;
      }
      resolve(new SimLink(end).link);
    };
    const { other } = end;
    other.onPacket = () => {
      door.link(headers).then(
        (met) => {
          if ("refused" in met) return send(other, { type: "refused", status: met.refused });
          send(other, { type: "open" });
          met.open(new SimLink(other).link);
        },
        (thrown: unknown) => end.connection.net.world.fail(thrown),
      );
    };
    send(end, { type: "open" });
  });
}

function send(end: End, frame: Frame): void {
  const bytes = frame.type === "text" ? frame.text.length : 10;
  end.send(frame, bytes, frame.type);
}

/** As `linkOf` makes one of a WebSocket. */
class SimLink {
  readonly link: Link;
  #end: End;
  #early: string[] = [];
  #handler: ((message: string) => void) | undefined;
  #isClosing = false;

  constructor(end: End) {
    this.#end = end;
    end.onPacket = (packet) => this.#take(packet as Frame);
    end.onGone = (reason) => this.link.onClose(reason);
    const handlerOf = () => this.#handler;
    const setHandler = (handler: (message: string) => void) => this.#setHandler(handler);
    const early = this.#early;
    this.link = {
      send: (text) => {
        if (!this.#isClosing) send(end, { type: "text", text });
      },
      bufferedBytes: () => end.inFlightBytes,
      close: (reason = "code 1000") => this.#close(reason),
      get onMessage() {
        return handlerOf() ?? ((message: string) => void early.push(message));
      },
      set onMessage(handler) {
        setHandler(handler);
      },
      onClose: () => {},
    };
  }

  #setHandler(handler: (message: string) => void): void {
    this.#handler = handler;
    for (const message of this.#early.splice(0)) handler(message);
  }

  #take(frame: Frame): void {
    if (frame.type === "text") this.link.onMessage(frame.text);
    else if (frame.type === "close") {
      if (!this.#isClosing) send(this.#end, { type: "close", reason: frame.reason });
      this.#end.lost(frame.reason);
    }
  }

  #close(reason: string): void {
    if (this.#isClosing || this.#end.isClosed) return;
    this.#isClosing = true;
    send(this.#end, { type: "close", reason });
    const { life, connection } = this.#end;
    connection.net.world.after(closingMs, life, "terminate", () => this.#terminate("code 1006"));
  }

  #terminate(reason: string): void {
    if (this.#end.isClosed) return;
    this.#end.leave();
    this.link.onClose(reason);
  }
}
