import type { Timer } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";
import type { FromAgent, FromCloud, Hello } from "#/model/wire.ts";

export interface ConnectionEvents {
  /** What to say first on a new link. */
  hello(): Hello;
  welcomed(): void;
  heard(message: FromCloud): void;
  refused(reason: string): void;
}

/**
 * The one link of an agent to its cloud, opened again and again for ever, with waits that double and
 * scatter so that a fleet does not come back all at once. Only a cloud that refuses the key ends it.
 */
export class Connection {
  isWelcomed = false;
  #parts: Pick<Host, "clock" | "random" | "network" | "log">;
  #url: string;
  #key: string;
  #events: ConnectionEvents;
  #link: Link | undefined;
  #timer: Timer | undefined;
  #tries = 0;
  #isClosed = false;

  constructor(
    parts: Pick<Host, "clock" | "random" | "network" | "log">,
    where: { url: string; key: string },
    events: ConnectionEvents,
  ) {
    this.#parts = parts;
    const url = new URL("/v1/link", where.url);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#url = url.href;
    this.#key = where.key;
    this.#events = events;
  }

  open(): void {
    this.#parts.network.dial(this.#url, { authorization: `Bearer ${this.#key}` }).then(
      (link) => this.#opened(link),
      (thrown: unknown) => {
        const isRefused =
          thrown instanceof CanopyError && ["unauthenticated", "forbidden"].includes(thrown.code);
        if (isRefused) this.#refused(thrown.message);
        else this.#openLater(messageOf(thrown));
      },
    );
  }

  send(message: FromAgent): void {
    this.#link?.send(JSON.stringify(message));
  }

  /** Bytes on their way out. */
  bufferedBytes(): number {
    return this.#link?.bufferedBytes() ?? 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#link?.close("the agent stops");
    this.isWelcomed = false;
  }

  #opened(link: Link): void {
    if (this.#isClosed) return link.close();
    this.#link = link;
    link.onClose = (reason) => {
      if (this.#link !== link) return;
      this.#link = undefined;
      this.isWelcomed = false;
      this.#openLater(reason);
    };
    this.send(this.#events.hello());
    link.onMessage = (text) => {
      if (this.#link === link) this.#heard(link, text);
    };
  }

  #heard(link: Link, text: string): void {
    let message: FromCloud;
    try {
      message = JSON.parse(text) as FromCloud;
    } catch {
      return link.close("that was no message");
    }
    if (message.type === "refused") return this.#refused(message.reason);
    if (message.type === "welcome") {
      this.#tries = 0;
      this.isWelcomed = true;
      this.#events.welcomed();
    } else {
      this.#events.heard(message);
    }
  }

  #refused(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.refused(reason);
  }

  #openLater(reason: string): void {
    if (this.#isClosed) return;
    const longest = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 16);
    if (this.#tries === 1)
      this.#parts.log.warn("the link to the cloud is gone; trying again", { reason });
    const delayMs = Math.max(
      limits.reconnectMsMin,
      longest * (0.5 + this.#parts.random.fraction() / 2),
    );
    this.#timer = this.#parts.clock.after(delayMs, () => this.open());
  }
}
