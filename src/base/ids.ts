import type { Clock } from "./clock.ts";
import { alphabet, randomText, type Random } from "./random.ts";

/**
 * A short id that sorts by the second it was made in: a letter for its kind, 7 characters of time
 * (good until the year 3058), 5 of chance. Two made in the same second collide once in 33 million;
 * whoever makes records of them checks, and asks again.
 */
export function newId(letter: string, clock: Clock, random: Random): string {
  let seconds = Math.floor(clock.now() / 1000);
  let time = "";
  for (let place = 0; place < 7; place++) {
    time = alphabet[seconds % 32] + time;
    seconds = Math.floor(seconds / 32);
  }
  return letter + time + randomText(random, 5);
}
