import { CanopyError, errorCodes, messageOf } from "#/base/errors.ts";
import type { Terminal } from "./terminal.ts";

/** Tells a person (or, with --json, a program) what went wrong and what to do next; gives the exit code. */
export function tellError(thrown: unknown, { err }: Terminal, argv: readonly string[]): number {
  const commander = commanderExit(thrown);
  if (commander !== undefined) return commander;
  const known = thrown instanceof CanopyError ? thrown : undefined;
  const code = known?.code ?? "internal";
  const message = known ? known.message : messageOf(thrown);
  if (argv.some((word) => word.startsWith("--json"))) {
    err.write(
      `${JSON.stringify({ error: { code, message, hint: known?.hint, place: known?.place } })}\n`,
    );
    return errorCodes[code].exit;
  }
  const { place } = known ?? {};
  const at =
    place && !message.includes(`${place.line}:${place.column}`)
      ? `${place.file}:${place.line}:${place.column}: `
      : "";
  err.write(
    `${err.paint(["red", "bold"], "error")} ${at}${message} ${err.paint("dim", `(${code})`)}\n`,
  );
  if (known?.hint !== undefined) err.write(`${err.paint("cyan", "  next")} ${known.hint}\n`);
  if (!known && thrown instanceof Error && thrown.stack)
    err.write(`${err.paint("dim", thrown.stack)}\n`);
  return errorCodes[code].exit;
}

/** Commander has told its own errors, of usage, and shown its help. */
function commanderExit(thrown: unknown): number | undefined {
  const { code, exitCode } = thrown as { code?: unknown; exitCode?: number };
  if (typeof code !== "string" || !code.startsWith("commander.")) return undefined;
  return exitCode === 0 ? 0 : errorCodes.invalid.exit;
}
