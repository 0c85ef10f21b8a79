import type { Command } from "commander";
import type { Client } from "#/sdk/client.ts";
import type { Programs } from "./programs.ts";
import type { Result } from "./result.ts";
import type { Terminal } from "./terminal.ts";

/** One verb: says its arguments and options, and what each of its commands does. */
export interface Verb {
  define(command: Command, does: Does): void;
}

/** Makes the action of a command: what it gives is printed, what it throws is told, and either sets the exit code. */
export type Does = (action: Action) => (...args: unknown[]) => Promise<void>;

/** Given the command's arguments, in order. */
export type Action = (cli: Cli, ...args: never[]) => Promise<Done>;

/** Nothing, a result to print, or a result with an exit code of its own. */
export type Done = void | Result | { result?: Result | undefined; exitCode: number };

/** Exit code of a command that a person interrupted. */
export const interruptedExit = 130;

/** Exit code of a plan that is not what was planned before. */
export const planChangedExit = 10;

/** What a command works with. */
export interface Cli {
  terminal: Terminal;
  programs: Programs;
  options: Options;
  /** What stood after "--". */
  rest: readonly string[] | undefined;
  /** The cloud that the options, the environment or the context name. */
  client(options?: { patienceMs?: number }): Promise<Client>;
}

/** Options that every command takes. */
export interface CommonOptions {
  json?: string;
  context?: string;
  project?: string;
}

export interface Options extends CommonOptions {
  [name: string]: unknown;
}
