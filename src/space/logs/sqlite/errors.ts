import { CanopyError, messageOf } from "#/base/errors.ts";

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const codes = { busy: 5, corrupt: 11, full: 13, notDatabase: 26 };

/** The primary code of what SQLite threw; 0 for anything else. */
function codeOf(thrown: unknown): number {
  if (!(thrown instanceof Error)) return 0;
  return ((thrown as { errcode?: number }).errcode ?? 0) % 256;
}

export function isFull(thrown: unknown): boolean {
  return codeOf(thrown) === codes.full;
}

export function isBusy(thrown: unknown): boolean {
  return codeOf(thrown) === codes.busy;
}

function isCorrupt(thrown: unknown): boolean {
  return codeOf(thrown) === codes.corrupt || codeOf(thrown) === codes.notDatabase;
}

export function damaged(message: string, hint?: string, cause?: unknown): CanopyError {
  return new CanopyError("damaged", message, {
    hint: hint ?? "See what is wrong, and what can be done: canopy doctor",
    cause,
  });
}

/** What reading threw, as its callers know it: pages that SQLite cannot read are damage to `file`. */
export function readError(file: string, thrown: unknown): unknown {
  if (!isCorrupt(thrown)) return thrown;
  return damaged(`Cannot read ${file}: ${messageOf(thrown)}`, undefined, thrown);
}

export function cannotOpen(file: string, thrown: unknown): unknown {
  if (thrown instanceof CanopyError) return thrown;
  if (isBusy(thrown)) {
    return new CanopyError("conflict", `Cannot open ${file} as another process has it open`, {
      hint: "Is 'canopy up' running already? See: canopy machines",
    });
  }
  if (isFull(thrown))
    return new CanopyError("no-space", `Cannot open ${file} as the disk is full`, {
      hint: "Free some space on that disk, then start again",
    });
  if (isCorrupt(thrown)) return readError(file, thrown);
  return new CanopyError("unavailable", `Cannot open ${file}: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}
