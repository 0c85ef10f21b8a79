import { CanopyError } from "#/base/errors.ts";
import {
  endedBy,
  type TerminalOrder,
  type TerminalReply,
  type TerminalRequest,
} from "#/model/terminal.ts";

/** A terminal on a machine, as whoever has opened it holds it. */
export interface HostTerminal {
  /** Nothing happens once it is over. */
  say(request: Exclude<TerminalRequest, { open: TerminalOrder }>): void;
}

interface Listening<Asked> {
  of: Asked;
  onReply(reply: TerminalReply): void;
}

/** Terminals that are open, by their numbers on the links of their machines. */
export class Terminals<Asked> {
  #open = new Map<number, Listening<Asked>>();
  #number = 0;

  open(
    of: Asked,
    order: TerminalOrder,
    {
      link,
      onReply,
    }: {
      link: { terminal(number: number, request: TerminalRequest): void };
      onReply(reply: TerminalReply): void;
    },
  ): HostTerminal {
    const number = ++this.#number;
    this.#open.set(number, { of, onReply });
    link.terminal(number, { open: order });
    return {
      say: (request) => {
        if (!this.#open.has(number)) return;
        if ("close" in request) this.#open.delete(number);
        link.terminal(number, request);
      },
    };
  }

  /** Only who was asked is believed. */
  said(of: Asked, number: number, reply: TerminalReply): void {
    const listening = this.#open.get(number);
    if (listening?.of !== of) return;
    if ("ended" in reply) this.#open.delete(number);
    listening.onReply(reply);
  }

  left(of: Asked): void {
    for (const [number, listening] of this.#open) {
      if (listening.of !== of) continue;
      this.#open.delete(number);
      const gone = new CanopyError("unavailable", "The machine is not connected any more");
      listening.onReply(endedBy(gone));
    }
  }
}
