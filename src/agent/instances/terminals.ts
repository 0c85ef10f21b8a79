import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { InstanceTerminal } from "#/drivers/instance-driver.ts";
import {
  endedBy,
  type TerminalOrder,
  type TerminalReply,
  type TerminalRequest,
} from "#/model/terminal.ts";

export interface TerminalParts {
  /** Throws where there is none, for people. */
  open(order: TerminalOrder): Promise<InstanceTerminal>;
  say(terminal: number, reply: TerminalReply): void;
}

/** Terminals of instances here that somebody is at, by the numbers that the cloud gave them. */
export class Terminals {
  #parts: TerminalParts;
  #open = new Map<number, OpenTerminal>();

  constructor(parts: TerminalParts) {
    this.#parts = parts;
  }

  heard(number: number, request: TerminalRequest): void {
    if ("open" in request) return this.#begin(number, request.open);
    this.#open.get(number)?.heard(request);
  }

  #begin(number: number, order: TerminalOrder): void {
    const say = (reply: TerminalReply) => {
      if (this.#open.has(number)) this.#parts.say(number, reply);
    };
    if (this.#open.size >= limits.terminalsMax) {
      const message = `Cannot open another terminal on this machine as ${limits.terminalsMax} are open`;
      return this.#parts.say(number, endedBy(new CanopyError("limited", message)));
    }
    const terminal = new OpenTerminal(say);
    this.#open.set(number, terminal);
    void terminal.run(() => this.#parts.open(order)).finally(() => this.#open.delete(number));
  }

  /** Who was at them is gone. */
  closeAll(): void {
    for (const terminal of this.#open.values()) terminal.close();
    this.#open.clear();
  }
}

class OpenTerminal {
  #say: (reply: TerminalReply) => void;
  #terminal: InstanceTerminal | undefined;
  #isClosed = false;
  #typed: Promise<void> = Promise.resolve();
  #typedBytes = 0;
  #aheadBytes = 0;
  #taken = Promise.withResolvers<void>();
  #opened = Promise.withResolvers<void>();

  constructor(say: (reply: TerminalReply) => void) {
    this.#say = say;
  }

  /** From its opening to its end. Never rejects. */
  async run(open: () => Promise<InstanceTerminal>): Promise<void> {
    try {
      const terminal = await open();
      if (this.#isClosed) return terminal.close();
      this.#terminal = terminal;
      this.#say({ opened: true });
      this.#opened.resolve();
      await this.#print(terminal);
      const exitCode = await terminal.exitCode;
      this.#say({ ended: exitCode === undefined ? {} : { exitCode } });
    } catch (thrown) {
      this.#say(endedBy(thrown));
    } finally {
      this.close();
    }
  }

  async #print({ incoming }: InstanceTerminal): Promise<void> {
    for (;;) {
      const next = await incoming.next();
      if (next.done) return;
      for (let at = 0; at < next.value.length; at += limits.terminalPieceBytes) {
        const piece = next.value.subarray(at, at + limits.terminalPieceBytes);
        this.#aheadBytes += piece.length;
        this.#say({ output: Buffer.from(piece).toString("base64") });
      }
      while (this.#aheadBytes > limits.terminalAheadBytes && !this.#isClosed) {
        await this.#taken.promise;
        this.#taken = Promise.withResolvers();
      }
    }
  }

  heard(request: Exclude<TerminalRequest, { open: TerminalOrder }>): void {
    if ("close" in request) return this.close();
    if ("taken" in request) {
      this.#aheadBytes -= request.taken;
      return this.#taken.resolve();
    }
    if ("hasTyped" in request) return this.#type((terminal) => terminal.end());
    const content = Buffer.from(request.input, "base64");
    this.#typedBytes += content.length;
    if (this.#typedBytes > limits.terminalAheadBytes) {
      const message = "Cannot type more as what was typed is not read";
      this.#say(endedBy(new CanopyError("limited", message)));
      return this.close();
    }
    this.#type(async (terminal) => {
      await terminal.write(content);
      this.#typedBytes -= content.length;
      this.#say({ read: content.length });
    });
  }

  #type(act: (terminal: InstanceTerminal) => Promise<void> | void): void {
    const typed = this.#typed.then(() => this.#opened.promise);
    this.#typed = typed.then(() => this.#terminal && act(this.#terminal)).catch(() => this.close());
  }

  close(): void {
    this.#isClosed = true;
    this.#taken.resolve();
    this.#opened.resolve();
    this.#terminal?.close();
  }
}
