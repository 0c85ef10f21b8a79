import { CanopyError } from "#/base/errors.ts";
import type { OpenedTerminal } from "#/sdk/terminal.ts";
import type { Cli, Done } from "../verb.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

/** Ctrl-], as telnet has it. */
const leaveKey = 0x1d;

/** Whoever opens the console sees so much of what was printed before. */
const recentLength = 2000;

/** A person at the serial console, until they leave it or the instance ends. */
export async function sitAtConsole(cli: Cli, word: string): Promise<Done> {
  const calls = await instanceCalls(cli);
  const id = await instanceNamed(calls, word);
  const { err, out } = cli.terminal;
  const recent = await calls.console(id);
  const console = await calls.terminal(id);
  const may = console.canType ? "" : " You may only read: what you type does nothing.";
  err.write(`This is the console of ${id}. Ctrl-] leaves it.${may}\r\n`);
  out.write(recent.slice(-recentLength).replaceAll(/\r?\n/g, "\r\n"));
  await sit(cli, console, true);
  err.write(`\r\nYou have left the console of ${id}.\n`);
}

/** Runs what stands after "--" in the instance; ends with its exit code. */
export async function execIn(cli: Cli, word: string): Promise<Done> {
  const command = cli.rest ?? [];
  if (command.length === 0)
    throw new CanopyError("invalid", "Cannot run a command as none stands after '--'", {
      hint: `As in: canopy instances exec ${word} -- sh`,
    });
  const { out, isTyped } = cli.terminal;
  const calls = await instanceCalls(cli);
  const size = isTyped && out.isTty ? { columns: out.columns, rows: out.rows } : undefined;
  const asked = { command, ...(size && { size }) };
  const terminal = await calls.terminal(await instanceNamed(calls, word), asked);
  const exitCode = size ? await sit(cli, terminal, false) : await pour(cli, terminal);
  return { exitCode: exitCode ?? 0 };
}

async function sit(
  { terminal: { readKeys, writeData } }: Cli,
  terminal: OpenedTerminal,
  canLeave: boolean,
): Promise<number | undefined> {
  const release = readKeys((keys) => {
    const at = canLeave ? keys.indexOf(leaveKey) : -1;
    const typed = at < 0 ? keys : keys.subarray(0, at);
    if (typed.length > 0 && terminal.canType) void terminal.type(typed);
    if (at >= 0) terminal.close();
  });
  try {
    await writeData(terminal.output);
    return await terminal.ended;
  } finally {
    release();
  }
}

/** Input and output are no terminal: bytes go through as they are. */
async function pour(
  { terminal: { isTyped, readInput, writeData } }: Cli,
  terminal: OpenedTerminal,
): Promise<number | undefined> {
  const typing = async () => {
    if (!isTyped) for await (const piece of readInput()) await terminal.type(piece);
    terminal.end();
  };
  void typing();
  await writeData(terminal.output);
  return terminal.ended;
}
