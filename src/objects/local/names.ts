import { alphabet, randomText, type Random } from "#/base/random.ts";

const idLength = 11; // 55 bits

/** A name that nobody guesses, of which the store can tell the number: 32 characters, in the order of the numbers. */
export function nameOf(id: number, random: Pick<Random, "bytes">): string {
  let text = "";
  for (let rest = id, place = 0; place < idLength; place++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text + randomText(random, 32 - idLength);
}

/** The number in such a name; undefined for what is none. */
export function idOfVersion(name: string): number | undefined {
  if (name.length !== 32) return undefined;
  let id = 0;
  for (let place = 0; place < idLength; place++) {
    const digit = alphabet.indexOf(name[place]!);
    if (digit < 0) return undefined;
    id = id * 32 + digit;
  }
  return id;
}

/**
 * The least text that is greater, byte by byte in UTF-8, than all that begin with `prefix`; undefined where there is none.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last >= 0x10_ff_ff) continue;
    const next = last === 0xd7_ff ? 0xe0_00 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
