import { CanopyError } from "#/base/errors.ts";
import type { Cli } from "../verb.ts";

/** Runs a program in this terminal; what it prints is no data of ours. Throws "unavailable" when it fails. */
export async function must(cli: Cli, command: readonly string[]): Promise<void> {
  const code = await cli.terminal.run(["sh", "-c", '"$@" 1>&2', "sh", ...command]);
  if (code === 0) return;
  const [program] = command;
  throw new CanopyError(
    "unavailable",
    `Cannot build as ${program} ended with ${code ?? "nothing"}`,
    code === 127 ? { hint: `Install it: apt-get install ${program}` } : {},
  );
}
