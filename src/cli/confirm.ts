import { CanopyError } from "#/base/errors.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Lets a person confirm what cannot be undone by typing `word`. Without a person to ask, throws
 * CanopyError "invalid" that names the flag.
 */
export async function confirm(
  { canAsk, ask }: Terminal,
  what: string,
  word: string,
  yes: boolean | undefined,
): Promise<void> {
  if (yes) return;
  if (!canAsk) {
    throw new CanopyError("invalid", `Cannot ask whether to ${what}, as nobody is at a terminal`, {
      hint: "Say so with: --yes",
    });
  }
  const answer = await ask(`This will ${what}. Type ${word} to go on: `);
  if (answer.trim() !== word)
    throw new CanopyError(
      "conflict",
      `Nothing was done, as the answer must be '${word}': it was '${answer.trim()}'`,
    );
}
