import { CanopyError } from "#/base/errors.ts";

/** For a log that is not what was written, with what can be done. */
export function damaged(what: string, hint = "Restore the database from its backup"): CanopyError {
  return new CanopyError("damaged", `Cannot use the log as ${what}`, { hint });
}

/** For a fault of an entry that is not the newest: it only tells of what has been. */
export function damagedEntry(s: string, sequence: number, what: string): CanopyError {
  return damaged(
    what,
    `No record is lost. To go on without the history before it: DELETE FROM ${s}.changes WHERE sequence <= ${sequence}`,
  );
}
