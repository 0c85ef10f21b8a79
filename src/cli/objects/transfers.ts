import { ahead } from "#/sdk/objects/pieces.ts";
import { limits } from "#/base/limits.ts";
import { messageOf } from "#/base/errors.ts";
import type { ProgressMode } from "../progress-mode.ts";
import { briefSize } from "#/model/units.ts";
import { interruptedExit, type Cli, type Done } from "../verb.ts";
import { countOf } from "../words.ts";
import { tellTransfers, type Transfers } from "./teller.ts";

/** One thing to bring. */
export interface Transfer {
  from: string;
  to: string;
  /** Absent for what comes from a pipe. */
  sizeBytes: number | undefined;
  /** Brings it, and tells of bytes as they arrive. */
  run(onBytes: (count: number) => void, signal: AbortSignal): Promise<void>;
}

export interface Transferred {
  from: string;
  to: string;
  sizeBytes: number;
  error?: string;
}

/**
 * Brings all, several at a time, and tells how it goes on. One that fails does not stop the others; Ctrl-C stops all, and what
 * has come of large ones is gone on with when it is asked for again.
 */
export async function runTransfers(
  cli: Cli,
  transfers: Iterable<Transfer>,
  totals: { files: number; bytes: number },
): Promise<Transferred[]> {
  const { terminal } = cli;
  const names = new Set<string>();
  const state: Transfers = { ...totals, filesDone: 0, bytesDone: 0, names };
  const abort = new AbortController();
  const off = terminal.onInterrupt(() => {
    abort.abort();
    terminal.err.write("\nStopped. The same command goes on where it was.\n");
    terminal.exit(interruptedExit);
  });
  const teller = tellTransfers(modeOf(cli), terminal, () => state);
  const run = async (transfer: Transfer): Promise<Transferred> => {
    const { from, to, sizeBytes } = transfer;
    if (abort.signal.aborted) throw abort.signal.reason;
    names.add(from);
    let cameBytes = 0;
    try {
      await transfer.run((count) => {
        state.bytesDone += count;
        cameBytes += count;
      }, abort.signal);
      return { from, to, sizeBytes: sizeBytes ?? cameBytes };
    } catch (thrown) {
      if (abort.signal.aborted || totals.files === 1) throw thrown;
      return { from, to, sizeBytes: sizeBytes ?? 0, error: messageOf(thrown) };
    } finally {
      names.delete(from);
      state.filesDone++;
    }
  };
  try {
    return await Array.fromAsync(ahead(transfers, limits.objectFilesAtOnce, run));
  } finally {
    teller.end();
    off();
  }
}

export function modeOf({ options, terminal }: Cli): ProgressMode {
  const asked = (options["progress"] ?? "auto") as ProgressMode | "auto";
  return asked === "auto" ? (terminal.err.isTty ? "tty" : "plain") : asked;
}

/** What a command that brought things gives: exit code 1 when some could not be brought. */
export function doneOf(
  cli: Cli,
  all: readonly Transferred[],
  word: string,
  more: Record<string, number> = {},
): Done {
  const failed = all.filter(({ error }) => error !== undefined);
  const bytes = all.reduce(
    (sum, { sizeBytes, error }) => sum + (error === undefined ? sizeBytes : 0),
    0,
  );
  const good = all.length - failed.length;
  for (const { from, error } of failed.slice(0, failuresTold))
    cli.terminal.err.write(`${cli.terminal.err.paint("red", "✗")} ${from}: ${error}\n`);
  const message = `${countOf(good)} ${good === 1 ? "object" : "objects"} ${word}, ${briefSize(bytes)}${
    failed.length > 0 ? `; ${countOf(failed.length)} failed` : ""
  }${Object.entries(more)
    .map(([name, count]) => `; ${countOf(count)} ${name}`)
    .join("")}`;
  const result = {
    type: "done" as const,
    value: { [word]: good, bytes, failed, ...more },
    message,
  };
  return { result, exitCode: failed.length > 0 ? 1 : 0 };
}

const failuresTold = 20;
