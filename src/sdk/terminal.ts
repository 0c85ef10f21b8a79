import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";
import type { TerminalInput, TerminalOutput, TerminalSize } from "#/model/terminal.ts";

export interface TerminalAsked {
  /** Absent for the console. */
  command?: readonly string[];
  /** The command gets a terminal, of that size. */
  size?: TerminalSize;
}

/** A terminal of an instance. */
export interface OpenedTerminal {
  /** Not so: what is typed counts for nothing. */
  canType: boolean;
  output: AsyncIterable<Uint8Array>;
  /** Resolves when more may be typed. */
  type(keys: Uint8Array): Promise<void>;
  /** Nothing more is typed. */
  end(): void;
  /** Leaves it: the console goes on, a command ends. */
  close(): void;
  /** Resolves with the command's exit code when it is over; undefined for a console, and for one that was left. */
  ended: Promise<number | undefined>;
}

/** Resolves when it is open. Throws CanopyError with the reason where there is none; so do `output` and `ended` when it breaks off. */
export async function openTerminal(link: Link): Promise<OpenedTerminal> {
  const opened = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<number | undefined>();
  ended.promise.catch(() => {});
  let aheadBytes = 0;
  let room = Promise.withResolvers<void>();
  const read = (bytes: number) => {
    aheadBytes -= bytes;
    room.resolve();
    room = Promise.withResolvers();
  };
  let isRead = true;
  const output = new ReadableStream<Uint8Array>({
    start(stream) {
      const fail = (error: CanopyError) => {
        opened.reject(error);
        ended.reject(error);
      };
      link.onMessage = (text) => {
        const said = JSON.parse(text) as TerminalOutput;
        if ("opened" in said) return opened.resolve(said.opened.canType);
        if ("output" in said)
          return isRead ? stream.enqueue(Buffer.from(said.output, "base64")) : undefined;
        if ("read" in said) return read(said.read);
        const { error, exitCode } = said.ended;
        if (!error) return ended.resolve(exitCode);
        const { code, message, hint } = error;
        fail(new CanopyError(code, message, hint === undefined ? {} : { hint }));
      };
      link.onClose = (reason) => {
        fail(new CanopyError("unavailable", `The terminal was closed: ${reason}`));
        if (isRead) stream.close();
      };
    },
    cancel: () => void (isRead = false),
  });
  const say = (said: TerminalInput) => link.send(JSON.stringify(said));
  return {
    canType: await opened.promise,
    output,
    async type(keys) {
      for (let at = 0; at < keys.length; at += limits.terminalPieceBytes) {
        while (aheadBytes > limits.terminalAheadBytes / 2) await room.promise;
        const piece = keys.subarray(at, at + limits.terminalPieceBytes);
        aheadBytes += piece.length;
        say({ input: Buffer.from(piece).toString("base64") });
      }
    },
    end: () => say({ hasTyped: true }),
    close: () => {
      ended.resolve(undefined);
      link.close();
    },
    ended: ended.promise,
  };
}
