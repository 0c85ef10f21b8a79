/** Chance, handed in: a simulation gives one seed, a program the system's entropy. */
export interface Random {
  /** `count` bytes fit for secrets (in a program; in a simulation they follow the seed). */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Crockford's base 32 in lower case. */
export const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** `length` characters of the alphabet: 5 bits each. */
export function randomText(random: Pick<Random, "bytes">, length: number): string {
  let text = "";
  for (const byte of random.bytes(length)) text += alphabet[byte & 31];
  return text;
}

/** A secret of 160 bits, 32 characters long. */
export function randomSecret(random: Pick<Random, "bytes">): string {
  return randomText(random, 32);
}
