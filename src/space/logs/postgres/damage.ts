import { CanopyError } from "#/base/errors.ts";

/** For a log that is not what was written, with what can be done. */
export function damaged(what: string): CanopyError {
  return new CanopyError("damaged", `Cannot use the log as ${what}`, {
    hint: "See what is wrong, and what can be done: canopy doctor --log postgres://…",
  });
}
