import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";
import type { FromAgent, FromCloud, Hello, Welcome } from "#/model/wire.ts";
import type { ControlPlanes } from "./control-planes.ts";
import { dialAny, isRefusal } from "./dial.ts";

export interface ConnectionEvents {
  /** What to say first on a new link. */
  hello(): Hello;
  welcomed(welcome: Welcome): void;
  /** A link on which this agent was welcomed is gone. */
  lost(): void;
  heard(message: FromCloud): void;
  refused(reason: string): void;
}

/** How often an agent looks whether its link is silent. */
const lookMs = limits.linkSilentMs / 10;

/**
 * The one link of an agent to its cloud, opened again and again for ever, to any of its control planes,
 * with waits that double and scatter so that a fleet does not come back all at once; eagerly at first,
 * as another control plane leads within seconds. Only a cloud that refuses the key ends it.
 */
export class Connection {
  isWelcomed = false;
  #parts: Pick<Host, "clock" | "random" | "network" | "log">;
  #planes: ControlPlanes;
  #key: string;
  #events: ConnectionEvents;
  #link: { link: Link; url: string } | undefined;
  #timer: Timer | undefined;
  #tries = 0;
  /** When there was a welcome last, or this began. */
  #goneMs: number;
  #heardMs = 0;
  #isClosed = false;

  constructor(
    parts: Pick<Host, "clock" | "random" | "network" | "log">,
    where: { planes: ControlPlanes; key: string },
    events: ConnectionEvents,
  ) {
    this.#parts = parts;
    this.#planes = where.planes;
    this.#key = where.key;
    this.#events = events;
    this.#goneMs = parts.clock.monotonicMs();
  }

  open(): void {
    dialAny(this.#parts, this.#planes.urls, this.#key).then(
      ({ url, link }) => this.#opened(url, link),
      (thrown: unknown) => {
        if (isRefusal(thrown)) this.#refused(thrown.message);
        else this.#openLater(messageOf(thrown));
      },
    );
  }

  send(message: FromAgent): void {
    this.#link?.link.send(JSON.stringify(message));
  }

  /** Bytes on their way out. */
  bufferedBytes(): number {
    return this.#link?.link.bufferedBytes() ?? 0;
  }

  /** Falls silent: no link for so long, as when a cable is pulled. */
  leave(awayMs: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    const left = this.#link;
    this.#link = undefined;
    this.#unwelcome();
    left?.link.close();
    if (left) this.#planes.left(left.url, "this machine is away");
    this.#timer = this.#parts.clock.after(awayMs, () => {
      this.#goneMs = this.#parts.clock.monotonicMs();
      this.open();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#link?.link.close("the agent stops");
    this.isWelcomed = false;
  }

  #opened(url: string, link: Link): void {
    if (this.#isClosed) return link.close();
    this.#link = { link, url };
    this.#heardMs = this.#parts.clock.monotonicMs();
    link.onClose = (reason) => this.#lost(link, reason);
    this.send(this.#events.hello());
    link.onMessage = (text) => {
      if (this.#link?.link === link) this.#heard(link, url, text);
    };
    this.#watch(link, false);
  }

  #lost(link: Link, reason: string): void {
    if (this.#link?.link !== link) return;
    if (this.isWelcomed) this.#goneMs = this.#parts.clock.monotonicMs();
    this.#planes.left(this.#link.url, reason);
    this.#link = undefined;
    this.#unwelcome();
    this.#openLater(reason);
  }

  #unwelcome(): void {
    const was = this.isWelcomed;
    this.isWelcomed = false;
    if (was) this.#events.lost();
  }

  /** Looked at twice: after this process stood still, what the cloud said may still stand in the socket. */
  #watch(link: Link, wasSilent: boolean): void {
    if (this.#isClosed || this.#link?.link !== link) return;
    const isSilent = this.#parts.clock.monotonicMs() - this.#heardMs >= limits.linkSilentMs;
    if (isSilent && wasSilent) {
      const reason = `nothing was heard for ${limits.linkSilentMs} ms`;
      link.close(reason);
      return this.#lost(link, reason);
    }
    this.#parts.clock.after(lookMs, () => this.#watch(link, isSilent), true);
  }

  #heard(link: Link, url: string, text: string): void {
    let message: FromCloud;
    try {
      message = JSON.parse(text) as FromCloud;
    } catch {
      return link.close("that was no message");
    }
    this.#heardMs = this.#parts.clock.monotonicMs();
    if (message.type === "refused") return this.#refused(message.reason);
    if (message.type === "welcome") {
      this.#tries = 0;
      this.isWelcomed = true;
      this.#planes.arrived(url);
      this.#events.welcomed(message);
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
    const { clock, random, log } = this.#parts;
    const isEager = clock.monotonicMs() - this.#goneMs < limits.reconnectEagerMs;
    const longest = Math.min(
      isEager ? limits.reconnectEagerMsMax : limits.reconnectMsMax,
      limits.reconnectMsMin * 2 ** this.#tries,
    );
    this.#tries = Math.min(this.#tries + 1, 16);
    if (this.#tries === 1)
      log.warn("the link to the cloud is gone; trying again", {
        reason,
        next: this.#planes.urls[0],
      });
    const delayMs = Math.max(limits.reconnectMsMin, longest * (0.5 + random.fraction() / 2));
    this.#timer = clock.after(delayMs, () => this.open());
  }
}
