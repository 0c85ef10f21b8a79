import type { Clock } from "./clock.ts";
import { CanopyError } from "./errors.ts";
import { limits } from "./limits.ts";
import { alphabet, randomText, type Random } from "./random.ts";

/**
 * A short id that sorts by the second it was made in: a letter for its kind, 7 characters of time
 * (good until the year 3058), 5 of chance. Of a thousand made in one second two are the same once in 67 times:
 * one that `isTaken` is not given. Throws "unavailable" where chance gives nothing else.
 */
export function newId(
  letter: string,
  { clock, random }: { clock: Clock; random: Random },
  isTaken: (id: string) => boolean,
): string {
  let seconds = Math.floor(clock.now() / 1000);
  let time = "";
  for (let place = 0; place < 7; place++) {
    time = alphabet[seconds % 32] + time;
    seconds = Math.floor(seconds / 32);
  }
  for (let times = 0; times < limits.idTriesMax; times++) {
    const id = letter + time + randomText(random, 5);
    if (!isTaken(id)) return id;
  }
  throw new CanopyError("unavailable", "Cannot name what is new as all ids are taken; try again", {
    retryAfterMs: 1000,
  });
}
