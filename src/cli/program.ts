import { Command, Option } from "commander";
import { connect, type Client } from "#/sdk/client.ts";
import type { Programs } from "./programs.ts";
import { rememberControlPlanes } from "./remember.ts";
import { render } from "./render.ts";
import type { Result } from "./result.ts";
import type { Terminal } from "./terminal.ts";
import type { Action, Cli, CommonOptions, Does, Done, Options } from "./verb.ts";
import { verbs, type VerbEntry } from "./verbs.ts";

interface Given {
  terminal: Terminal;
  programs: Programs;
  rest: readonly string[] | undefined;
  onExit: (code: number) => void;
}

/** A command that cannot reach its cloud says so soon. */
const patienceMsDefault = 1000;

/** The command line's grammar, in which only the verb that `argv` names is complete: the others are not loaded. */
export async function buildProgram(argv: readonly string[], given: Given): Promise<Command> {
  const program = bareProgram(given);
  const name = argv.find((word) => !word.startsWith("-"));
  for (const entry of verbs) {
    const isNamed =
      entry.name === name || (name !== undefined && entry.aliases?.includes(name) === true);
    const command = addVerb(program, entry);
    if (isNamed) (await entry.load()).verb.define(command, doing(given));
  }
  finish(program);
  return program;
}

/** The same with every verb complete, for completion. */
export async function buildWhole(given: Given): Promise<Command> {
  const program = bareProgram(given);
  for (const entry of verbs)
    (await entry.load()).verb.define(addVerb(program, entry), doing(given));
  finish(program);
  return program;
}

function bareProgram({ terminal: { out, err }, programs }: Given): Command {
  const program = new Command("canopy");
  program
    .description("One self-managing cloud over every machine you have.")
    .version(`canopy ${programs.version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(told(text, err)),
    })
    .addHelpText(
      "after",
      "\nTo begin:\n  canopy up                  start a cloud on this computer\n  canopy run -- echo hi      run a program on it\n  canopy help for a command: canopy run --help",
    );
  return program;
}

/** Commander's errors, in the shape of ours. */
function told(text: string, err: Terminal["err"]): string {
  const [first = "", ...more] = text.trimEnd().split("\n");
  const message = first.replace(/^error: /, "");
  const suggestion = more.join("\n").replace(/^\((.*)\)$/, "$1");
  const next = suggestion === "" ? "" : `${err.paint("cyan", "  next")} ${suggestion}\n`;
  return `${err.paint(["red", "bold"], "error")} ${message} ${err.paint("dim", "(usage)")}\n${next}`;
}

function addVerb(program: Command, { name, aliases = [], group, summary }: VerbEntry): Command {
  return program.command(name).aliases(aliases).description(summary).helpGroup(`${group}:`);
}

/** Gives every command that does something the options that all have. */
function finish(command: Command): void {
  for (const child of command.commands) finish(child);
  if (command.parent === null) return;
  command
    .addOption(
      new Option(
        "--json <fields>",
        "print JSON: all of it, or the named fields, as in --json=id,phase",
      ),
    )
    .option("--context <name>", "the cloud to speak to, by its context")
    .option("--project <name>", "the project that it is about");
}

function doing({ terminal, programs, rest, onExit }: Given): Does {
  return (action: Action) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<Options>();
      const clients: Client[] = [];
      const cli: Cli = {
        terminal,
        programs,
        options,
        rest,
        client: async ({ patienceMs = patienceMsDefault } = {}) => {
          const client = await connect({
            ...wishOf(options),
            patienceMs,
            world: terminal.world,
          });
          clients.push(client);
          return client;
        },
      };
      const done = await action(cli, ...(given.slice(0, -2) as never[]));
      for (const client of clients) await rememberControlPlanes(client, terminal.world);
      const { result, exitCode } = partsOf(done);
      if (result) render(result, terminal, options.json);
      onExit(exitCode);
    };
}

function wishOf({ context, project }: CommonOptions): { context?: string; project?: string } {
  return {
    ...(context === undefined ? {} : { context }),
    ...(project === undefined ? {} : { project }),
  };
}

function partsOf(done: Done): { result: Result | undefined; exitCode: number } {
  if (!done) return { result: undefined, exitCode: 0 };
  if ("exitCode" in done) return { result: done.result, exitCode: done.exitCode };
  return { result: done, exitCode: 0 };
}
