import { styleText, stripVTControlCharacters } from "node:util";
import { thisWorld } from "#/sdk/world.ts";
import { runCli } from "../cli.ts";
import type { Programs } from "../programs.ts";
import type { Terminal } from "../terminal.ts";

/** What a command printed, and its exit code. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestOptions {
  env?: Record<string, string>;
  folder?: string;
  /** A person looks: colour and bars. */
  isTty?: boolean;
  columns?: number;
  /** What a person would answer. */
  answer?: string;
  input?: string;
  /** A person who presses keys, and sees what was printed. */
  keys?: (press: (keys: Uint8Array) => void, seen: () => string) => Promise<void>;
  /** Given the way to press Ctrl-C. */
  onReady?: (interrupt: () => void) => void;
}

/** Runs a command in this process, as `bin/canopy` would, on a terminal that only the test sees. */
export async function canopy(argv: string[], options: TestOptions = {}): Promise<Ran> {
  const {
    env = {},
    folder = "/",
    isTty = false,
    columns = 100,
    answer,
    input = "",
    onReady,
    keys,
  } = options;
  let [stdout, stderr] = ["", ""];
  const outputOf = (write: (text: string) => void) => ({
    write,
    isTty,
    columns,
    rows: 30,
    paint: (tone: Parameters<Terminal["out"]["paint"]>[0], text: string) =>
      isTty ? styleText(tone, text, { validateStream: false }) : text,
  });
  const interrupts = new Set<() => void>();
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const terminal: Terminal = {
    world: { ...thisWorld(), env, folder, home: folder },
    out: outputOf((text) => void (stdout += text)),
    err: outputOf((text) => void (stderr += text)),
    canAsk: answer !== undefined,
    ask: async () => answer ?? "",
    askSecret: async () => answer ?? "",
    async writeData(content) {
      for await (const piece of content) stdout += Buffer.from(piece).toString();
    },
    run: async () => undefined,
    async *readInput() {
      yield Buffer.from(input);
    },
    isTyped: keys !== undefined,
    readKeys(onKeys) {
      void keys?.(onKeys, () => stdout);
      return () => {};
    },
    onInterrupt(action) {
      interrupts.add(action);
      return () => interrupts.delete(action);
    },
    untilEnded: () => ended,
    openUrl: async () => false,
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  onReady?.(() => {
    for (const interrupt of interrupts) interrupt();
    end();
  });
  const code = await runCli(argv, noPrograms, terminal);
  return { code, stdout, stderr: isTty ? stderr : stripVTControlCharacters(stderr) };
}

const refuse = async (): Promise<never> => {
  throw new Error("this test starts no programs");
};

const noPrograms: Programs = {
  version: "1.2.3",
  config: {
    dataFolder: "/nowhere",
    host: "127.0.0.1",
    port: 0,
    awsPort: undefined,
    joinToken: undefined,
    logUrl: undefined,
    objectsUrl: undefined,
    logLevel: "warn",
  },
  up: refuse,
  restore: refuse,
  examineBackup: refuse,
  doctor: refuse,
  machine: refuse,
  agent: refuse,
};
