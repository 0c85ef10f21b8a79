import type { Random } from "#/base/random.ts";

/** Base 32 of RFC 4648, as ids of IAM have it. */
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What an id of IAM begins with says what it is of. */
export type IdPrefix = "AKIA" | "ASIA" | "AIDA" | "AROA" | "AGPA" | "ANPA" | "AIPA";

/** 20 characters, of which 16 are chance: 80 bits. */
export function newAccessKeyId(prefix: IdPrefix, random: Pick<Random, "bytes">): string {
  let id: string = prefix;
  for (const byte of random.bytes(16)) id += letters[byte & 31];
  return id;
}

/** 40 characters of base 64: 240 bits. */
export function newSecretAccessKey(random: Pick<Random, "bytes">): string {
  return Buffer.from(random.bytes(30)).toString("base64");
}
