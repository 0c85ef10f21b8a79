import type { Random } from "./random.ts";

/** A UUID of chance, version 4. */
export function uuid(random: Pick<Random, "bytes">): string {
  const text = Buffer.from(random.bytes(16)).toString("hex");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
}
