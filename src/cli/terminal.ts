import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { thisWorld, type World } from "#/sdk/world.ts";

/** A way of painting text, as `util.styleText` names it. */
export type Tone = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan" | "magenta";

/** One of the two streams that a command writes to. */
export interface Output {
  write(text: string): void;
  /** A person looks at it: colour, bars and tables. A pipe gets neither. */
  readonly isTty: boolean;
  readonly columns: number;
  readonly rows: number;
  /** The text in that tone, where this output takes colour (NO_COLOR and FORCE_COLOR are obeyed). */
  paint(tone: Tone | Tone[], text: string): string;
}

/** All that the CLI has of the world. Only this file reaches for the process. */
export interface Terminal {
  world: World;
  /** Data. */
  out: Output;
  /** Progress and notes. */
  err: Output;
  /** A person can be asked. */
  canAsk: boolean;
  ask(question: string): Promise<string>;
  /** The same for what nobody may see: it is not shown while it is typed. */
  askSecret(question: string): Promise<string>;
  /** All of the standard input. */
  readInput(): AsyncIterable<Uint8Array>;
  /** Gives what is typed key by key, unshown, and Ctrl-C as any other key, until what it gives is called. */
  readKeys(onKeys: (keys: Uint8Array) => void): () => void;
  /** Somebody types: the input is no file or pipe. */
  isTyped: boolean;
  /** Writes bytes to the data output, as fast as they are taken. */
  writeData(content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Runs another program in this terminal to its end; gives its exit code, undefined where there is no such program. */
  run(command: readonly string[], env?: Record<string, string>): Promise<number | undefined>;
  /** Calls `action` at each Ctrl-C, instead of ending; gives how to stop that. */
  onInterrupt(action: () => void): () => void;
  /** Resolves when this process is told to end, by Ctrl-C or SIGTERM. */
  untilEnded(): Promise<void>;
  /** Opens an address in the person's browser. */
  openUrl(url: string): Promise<boolean>;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** The terminal that this process was started in. */
export function thisTerminal(): Terminal {
  // A reader that left (`canopy logs … | head`) ends the command, quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 0 : 1),
  );
  return {
    world: thisWorld(),
    out: outputOf(process.stdout),
    err: outputOf(process.stderr),
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
    askSecret: (question) => askSecret(question),
    readInput: () => process.stdin,
    isTyped: process.stdin.isTTY,
    readKeys,
    async writeData(content) {
      for await (const piece of content)
        if (!process.stdout.write(piece)) await once(process.stdout, "drain");
    },
    run,
    onInterrupt(action) {
      process.on("SIGINT", action);
      return () => void process.off("SIGINT", action);
    },
    untilEnded: () =>
      new Promise((resolve) => {
        process.once("SIGINT", () => resolve());
        process.once("SIGTERM", () => resolve());
      }),
    openUrl,
    exit: (code) => process.exit(code),
  };
}

function readKeys(onKeys: (keys: Uint8Array) => void): () => void {
  const { stdin } = process;
  const wasRaw = stdin.isRaw;
  stdin.setRawMode(true);
  stdin.on("data", onKeys);
  stdin.resume();
  return () => {
    stdin.off("data", onKeys);
    stdin.setRawMode(wasRaw);
    stdin.pause();
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTty: stream.isTTY,
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    paint: (tone, text) => styleText(tone, text, { stream }),
  };
}

async function askSecret(question: string): Promise<string> {
  const { Writable } = await import("node:stream");
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

async function run(
  [program, ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<number | undefined> {
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve) => {
    // Ctrl-C goes to both: the program ends by it, and then this does.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    const child = spawn(program!, args, { stdio: "inherit", env: { ...process.env, ...env } });
    const end = (code: number | undefined) => {
      process.off("SIGINT", ignore);
      resolve(code);
    };
    child.once("error", () => end(undefined));
    child.once("exit", (code) => end(code ?? 130));
  });
}

async function openUrl(url: string): Promise<boolean> {
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve) => {
    const child = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
